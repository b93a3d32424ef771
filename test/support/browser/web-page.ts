import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Serves an empty page on its own origin. */
export async function servePage(
  host: 'localhost' | '127.0.0.1',
): Promise<{ origin: string; close: () => Promise<void> }> {
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'text/html');
    response.end('<!doctype html><title>A page</title>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://${host}:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
