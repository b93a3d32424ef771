// What the client weighs in a page: one minified bundle, gzipped. Fails when it is over its budget.
import { gzipSync } from 'node:zlib';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const SESSIONS = 'createClient, LatchkeyError, localStorageStore, memoryStore';
/** What a page imports, and the most that it may weigh: `accountOf` costs nothing in a page that does not use it. */
const PAGES = [
  { imports: SESSIONS, budget: 5000 },
  { imports: `${SESSIONS}, accountOf`, budget: 6000 },
];

for (const { imports, budget } of PAGES) {
  const { code, size } = await measure(imports);
  process.stdout.write(
    `@latchkey/client { ${imports} }: ${code.length} bytes minified, ${size} gzipped (under ${budget})\n`,
  );
  if (size >= budget) process.exitCode = 1;
}

async function measure(imports) {
  const source = JSON.stringify(fileURLToPath(new URL('src/index.ts', import.meta.url)));
  const bundle = await rolldown({
    input: 'page',
    plugins: [
      {
        name: 'page',
        resolveId: (id) => (id === 'page' ? id : null),
        load: (id) => (id === 'page' ? `export { ${imports} } from ${source};` : null),
      },
    ],
  });
  const { output } = await bundle.generate({ minify: true });
  await bundle.close();
  const { code } = output[0];
  return { code, size: gzipSync(code, { level: 9 }).length };
}
