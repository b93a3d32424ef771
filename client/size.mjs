// What the client weighs in a page: one minified bundle, gzipped. Fails when it is over its budget.
import { gzipSync } from 'node:zlib';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const BUDGET = 5000;

const bundle = await rolldown({ input: fileURLToPath(new URL('src/index.ts', import.meta.url)) });
const { output } = await bundle.generate({ minify: true });
await bundle.close();
const { code } = output[0];
const size = gzipSync(code, { level: 9 }).length;
process.stdout.write(`@latchkey/client: ${code.length} bytes minified, ${size} gzipped (at most ${BUDGET})\n`);
process.exitCode = size < BUDGET ? 0 : 1;
