import { connect, type Socket } from 'node:net';

/** Connections of which a test decides byte by byte what is sent; closed together. */
export class OpenSockets {
  private readonly sockets: Socket[] = [];

  /** A connection that stays open, after this was sent over it. */
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

/** A request as bytes. More `headers` each end with a line feed; `length` promises another length than the body has. */
export function toRequest(method: string, path: string, body?: object, headers: string = '', length?: number): string {
  const json = body ? JSON.stringify(body) : '';
  const entity = body ? `Content-Type: application/json\r\nContent-Length: ${length ?? json.length}\r\n` : '';
  return `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}${entity}\r\n${json}`;
}

/** Everything that comes over a connection until it is closed. */
export async function textOf(socket: Socket): Promise<string> {
  let received = '';
  socket.on('data', (chunk: Buffer) => (received += String(chunk)));
  await new Promise((resolve) => socket.on('close', resolve));
  return received;
}
