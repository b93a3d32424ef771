import { connect, type Socket } from 'node:net';
import type { Answer } from './http.js';

export interface Asked {
  token?: string;
  json?: unknown;
}

/** A request without a whole answer, and how much of one came. */
export interface NoAnswer {
  status: 0;
  bytes: number;
}

/**
 * One keep-alive connection, one request at a time: what the server does to it is seen as it is, which clients that open
 * a new one, or send a second time, would hide. Once the server closes it, the next request opens it anew.
 */
export class Connection {
  private socket: Socket | undefined;
  private received = Buffer.alloc(0);
  private settle: (answer: Answer<any> | NoAnswer) => void = () => {};

  /** When the bytes were handed to the system, if they were: by `performance.now()`. */
  sentAt: number | undefined;

  /** Never rejects. */
  async ask(url: string, method: string, path: string, asked: Asked = {}): Promise<Answer<any> | NoAnswer> {
    this.sentAt = undefined;
    this.received = Buffer.alloc(0);
    const answer = new Promise<Answer<any> | NoAnswer>((resolve) => (this.settle = resolve));
    const socket = await this.open(url);
    if (socket) {
      socket.write(toBytes(method, path, asked));
      this.sentAt = performance.now();
    } else this.settle({ status: 0, bytes: 0 });
    return answer;
  }

  close(): void {
    this.socket?.destroy();
    this.socket = undefined;
  }

  private async open(url: string): Promise<Socket | undefined> {
    if (this.socket && !this.socket.destroyed && this.socket.writable) return this.socket;
    const { hostname, port } = new URL(url);
    const socket = connect({ port: Number(port), host: hostname, noDelay: true });
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    socket.on('error', () => {});
    const connected = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('close', () => resolve(false));
    });
    this.socket = connected ? socket : undefined;
    socket.once('close', () => {
      if (this.socket !== socket) return;
      this.socket = undefined;
      this.settle({ status: 0, bytes: this.received.length });
    });
    return this.socket;
  }

  private receive(chunk: Buffer): void {
    this.received = Buffer.concat([this.received, chunk]);
    const answer = parseAnswer(this.received);
    if (!answer) return;
    this.received = Buffer.alloc(0);
    if (answer.headers.get('connection') === 'close') this.close();
    this.settle(answer);
  }
}

function toBytes(method: string, path: string, { token, json }: Asked): string {
  const body = json === undefined ? '' : JSON.stringify(json);
  const lines = [
    `${method} ${path} HTTP/1.1`,
    'Host: localhost',
    ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
    ...(body === '' ? [] : ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`]),
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

/** Undefined until the whole of it is there. */
function parseAnswer(bytes: Buffer): Answer<any> | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [statusLine = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const headers = new Headers(lines.map((line) => line.split(/: ?(.*)/s, 2) as [string, string]));
  const body = bytes.subarray(end + 4);
  if (body.length < Number(headers.get('content-length') ?? 0)) return undefined;
  const text = body.toString();
  return { status: Number(statusLine.split(' ')[1]), headers, body: text === '' ? undefined : JSON.parse(text) };
}
