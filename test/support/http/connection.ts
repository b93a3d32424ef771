import { connect, type Socket } from 'node:net';
import type { HttpResponse } from './http.js';

export interface RequestContent {
  token?: string;
  json?: unknown;
}

/** A request without a complete response; `bytes` of the response arrived. */
interface NoResponse {
  status: 0;
  bytes: number;
}

/**
 * One keep-alive connection with one request at a time. It never retries and never opens a second connection, so that
 * a test sees what the server does to the connection. After the server has closed it, the next request opens a new one.
 */
export class Connection {
  private socket: Socket | undefined;
  private received = Buffer.alloc(0);
  private settle: (response: HttpResponse<any> | NoResponse) => void = () => {};

  /** When the request was written to the socket, by `performance.now()`; undefined without a connection. */
  sentAt: number | undefined;

  /** Never rejects. */
  async ask(
    url: string,
    method: string,
    path: string,
    asked: RequestContent = {},
  ): Promise<HttpResponse<any> | NoResponse> {
    this.sentAt = undefined;
    this.received = Buffer.alloc(0);
    const response = new Promise<HttpResponse<any> | NoResponse>((resolve) => (this.settle = resolve));
    const socket = await this.open(url);
    if (socket) {
      socket.write(toBytes(method, path, asked));
      this.sentAt = performance.now();
    } else this.settle({ status: 0, bytes: 0 });
    return response;
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
    const response = parseResponse(this.received);
    if (!response) return;
    this.received = Buffer.alloc(0);
    if (response.headers.get('connection') === 'close') this.close();
    this.settle(response);
  }
}

function toBytes(method: string, path: string, { token, json }: RequestContent): string {
  const body = json === undefined ? '' : JSON.stringify(json);
  const lines = [
    `${method} ${path} HTTP/1.1`,
    'Host: localhost',
    ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
    ...(body === '' ? [] : ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`]),
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

/** Undefined until the response is complete. */
function parseResponse(bytes: Buffer): HttpResponse<any> | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [statusLine = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const headers = new Headers(lines.map((line) => line.split(/: ?(.*)/s, 2) as [string, string]));
  const body = bytes.subarray(end + 4);
  if (body.length < Number(headers.get('content-length') ?? 0)) return undefined;
  const text = body.toString();
  return { status: Number(statusLine.split(' ')[1]), headers, body: text === '' ? undefined : JSON.parse(text) };
}
