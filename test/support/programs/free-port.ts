import { createServer } from 'node:net';

/** Below the ports that systems give to connections, and to servers on port 0 (Linux: 32768 and above). */
const FIRST = 10_000;
const LAST = 32_000;
/** Those of this process: another worker would find the same ones free. */
let next = FIRST + ((process.pid * 97) % (LAST - FIRST));

/** A port that nothing listens on, and that nothing gets by chance before the program that needs it has started. */
export async function freePort(): Promise<number> {
  for (;;) {
    next = next < LAST ? next + 1 : FIRST;
    if (await isFree(next)) return next;
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
