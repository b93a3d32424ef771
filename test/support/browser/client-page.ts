import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { rolldown } from 'rolldown';

/** Serves a page of another origin that has only the client of `client/`, as the global `latchkey`. */
export async function clientPage(): Promise<{ origin: string; close: () => void }> {
  const bundle = await rolldown({ input: 'client/src/index.ts' });
  const { output } = await bundle.generate({ format: 'iife', name: 'latchkey' });
  await bundle.close();
  const page = `<!doctype html><link rel="icon" href="data:,"><script>${output[0].code}</script>`;
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8').end(page);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}`, close: () => void server.close() };
}
