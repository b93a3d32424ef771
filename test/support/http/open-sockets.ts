import { connect, type Socket } from 'node:net';

/** Raw connections on which a test sends single bytes; closed together. */
export class OpenSockets {
  private readonly sockets: Socket[] = [];

  /** Opens a connection, sends `text`, and leaves the connection open. */
  async open(url: string, text: string = ''): Promise<Socket> {
    const { port, hostname } = new URL(url);
    const socket = connect(Number(port), hostname);
    this.sockets.push(socket);
    socket.on('error', () => {});
    await new Promise((connected) => socket.on('connect', connected));
    if (text !== '') socket.write(text);
    return socket;
  }

  destroy(): void {
    for (const socket of this.sockets.splice(0)) socket.destroy();
  }
}

/** A request as text. Each of the extra `headers` ends with CRLF; `length` announces a wrong Content-Length. */
export function toRequest(method: string, path: string, body?: object, headers: string = '', length?: number): string {
  const json = body ? JSON.stringify(body) : '';
  const entity = body ? `Content-Type: application/json\r\nContent-Length: ${length ?? json.length}\r\n` : '';
  return `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}${entity}\r\n${json}`;
}

/** Everything received on a connection until it is closed. */
export async function textOf(socket: Socket): Promise<string> {
  let received = '';
  socket.on('data', (chunk: Buffer) => (received += String(chunk)));
  await new Promise((resolve) => socket.on('close', resolve));
  return received;
}

/**
 * Sends a request `count` times on one connection, pipelined in batches of 10, and resolves to the statuses. Each response
 * must end with `}`.
 */
export async function sendPipelined(socket: Socket, request: string, count: number): Promise<number[]> {
  const statuses: number[] = [];
  for (let left = count; left > 0; left -= 10) {
    const batch = Math.min(10, left);
    statuses.push(...(await responsesTo(socket, request.repeat(batch), batch)));
  }
  return statuses;
}

function responsesTo(socket: Socket, text: string, count: number): Promise<number[]> {
  return new Promise((resolve, reject) => {
    let received = '';
    const failed = () => reject(new Error(`Closed after ${statusesIn(received).length} of ${count} responses`));
    const read = (chunk: Buffer) => {
      received += String(chunk);
      const statuses = statusesIn(received);
      if (statuses.length < count || !received.endsWith('}')) return;
      socket.off('data', read).off('close', failed);
      resolve(statuses);
    };
    socket.on('data', read).once('close', failed);
    socket.write(text);
  });
}

/** The statuses of all responses in a text. */
export function statusesIn(text: string): number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));
}
