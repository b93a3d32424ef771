import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface OtherService {
  url: string;
  /** What it says of CORS. */
  headers: Record<string, string>;
  /** Those that it was shown. */
  tokens: string[];
  close: () => void;
}

/** Somebody else's, which finds the first access token that it sees too old. */
export async function startService(): Promise<OtherService> {
  const server = createServer(({ method, headers: { authorization = '' } }, response) => {
    for (const [name, value] of Object.entries(service.headers)) response.setHeader(name, value);
    if (method === 'OPTIONS') return response.writeHead(204).end();
    service.tokens.push(authorization);
    if (service.tokens.length > 1) return response.end('[]');
    return response.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end();
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const url = `http://localhost:${(server.address() as AddressInfo).port}`;
  const service: OtherService = { url, headers: {}, tokens: [], close: () => void server.close() };
  return service;
}
