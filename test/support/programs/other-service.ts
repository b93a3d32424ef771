import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface OtherService {
  url: string;
  /** Its CORS headers. */
  headers: Record<string, string>;
  /** The Authorization headers it received. */
  tokens: string[];
  close: () => void;
}

/** A resource server of a third party. It refuses the first access token as expired and accepts all later ones. */
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
