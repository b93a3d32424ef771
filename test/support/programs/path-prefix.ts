import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A proxy that serves `target()` below a path, takes the path off, and has nothing else. */
export async function serveBelow(
  path: string,
  target: () => string,
): Promise<{ origin: string; close: () => Promise<void> }> {
  const server = createServer((from, to) => {
    const { method, headers, url = '' } = from;
    if (!url.startsWith(`${path}/`)) return void to.writeHead(404).end();
    const onward = request(new URL(url.slice(path.length), target()), { method: method!, headers });
    onward.on('response', (response) => {
      to.writeHead(response.statusCode!, response.headers);
      response.pipe(to);
    });
    onward.on('error', () => to.destroy());
    from.pipe(onward);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      return new Promise((closed) => server.close(() => closed()));
    },
  };
}
