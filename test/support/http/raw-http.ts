import { connect } from 'node:net';
import type { HttpResponse } from './http.js';

/** Sends raw bytes that no HTTP client would send, and reads until the server closes the connection. */
export async function sendRaw(url: string, bytes: string | Buffer): Promise<HttpResponse> {
  const { hostname, port } = new URL(url);
  const text = await new Promise<string>((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    socket.setTimeout(10_000, () => socket.destroy(new Error(`Incomplete response: ${Buffer.concat(chunks)}`)));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => resolve(Buffer.concat(chunks).toString()));
  });
  const [head = '', body = ''] = text.split(/\r\n\r\n(.*)/s);
  const [statusLine = '', ...lines] = head.split('\r\n');
  const headers = new Headers(lines.map((line) => line.split(/: ?(.*)/s, 2) as [string, string]));
  const isJson = headers.get('content-type')?.includes('json') && !headers.has('transfer-encoding');
  return { status: Number(statusLine.split(' ')[1]), headers, body: (isJson ? JSON.parse(body) : body) as never };
}
