// What `@latchkey/client/challenge` weighs in a page, with its worker: minified, gzipped. Fails when it is over its budget.
import { gzipSync } from 'node:zlib';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const BUDGET = 2000;

const sizes = [];
for (const name of ['challenge', 'challenge-worker']) {
  const bundle = await rolldown({ input: fileURLToPath(new URL(`src/${name}.ts`, import.meta.url)) });
  const { output } = await bundle.generate({ minify: true });
  await bundle.close();
  sizes.push(gzipSync(output[0].code, { level: 9 }).length);
}
const [page, worker] = sizes;
const total = page + worker;
process.stdout.write(
  `@latchkey/client/challenge: ${page} + ${worker} (worker) = ${total} bytes gzipped (at most ${BUDGET})\n`,
);
process.exitCode = total < BUDGET ? 0 : 1;
