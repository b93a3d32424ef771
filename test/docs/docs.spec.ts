import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blocksIn, sectionOf } from '../support/pages/page-code.js';

const run = promisify(execFile);
const PAGE = 'docs/protect-your-own-controller.md';
const NOT_COPIED = ['.git', 'node_modules', 'dist', 'data'];
/** The tests that the page's change affects, instead of all of `npm run check`. */
const AFFECTED = 'npx vitest run --project sqlite test/api/{notes,guards,sqlite/openapi,sqlite/documented}.spec.ts';

/** Follows the page in a copy of this project. */
describe('the page on protecting a controller', { timeout: 240_000 }, () => {
  const page = readFileSync(PAGE, 'utf8');
  const [generate, test, finish] = blocksIn(page, 'sh') as [string, string, string];
  let project: string;
  beforeAll(() => {
    project = mkdtempSync(join(tmpdir(), 'latchkey-docs-'));
    for (const name of readdirSync('.').filter((one) => !NOT_COPIED.includes(one))) {
      cpSync(name, join(project, name), { recursive: true, filter: (source) => !source.includes('node_modules') });
    }
    symlinkSync(resolve('node_modules'), join(project, 'node_modules'));
  });
  afterAll(() => rmSync(project, { recursive: true, force: true }));

  const shell = (command: string) => run('bash', ['-ec', command], { cwd: project, env: environment() });

  it('creates a guarded module whose tests pass', async () => {
    await shell(generate);
    expect(readFileSync(join(project, 'src/app.module.ts'), 'utf8')).toContain('NotesModule');
    for (const [file, code] of files(page)) writeFileSync(join(project, file), code);
    const { stdout } = await shell(test);
    expect(stdout).toMatch(/Tests +6 passed \(6\)/);
  });

  it('is right that an open route must be listed', async () => {
    const guards = 'npx vitest run --project sqlite test/api/guards.spec.ts';
    const refused = await shell(guards).catch((failure: { stderr: string }) => failure);
    expect(refused.stderr).toContain('GET /notes/about');
  });

  it('leaves types, lint, OpenAPI document and tests green', async () => {
    const [, entry = ''] = /Put `([^`]+)` on the list `OPEN` in `test\/api\/guards.spec.ts`/.exec(page) ?? [];
    const guards = join(project, 'test/api/guards.spec.ts');
    writeFileSync(guards, readFileSync(guards, 'utf8').replace('const OPEN = [', `$&${entry}`));
    expect(finish).toMatch(/npm run check$/m);
    // The format is that of the command before, and the client's size does not depend on the page.
    const checks = ['types', 'lint', 'openapi'].map((name) => `npm run check:${name}`);
    const { stdout } = await shell([finish.replace(/npm run check$/m, ''), ...checks, AFFECTED].join('\n'));
    expect(stdout).toMatch(/Test Files +4 passed \(4\)/);
  });

  it('agrees with the README, whose controller compiles in its place', async () => {
    const [controller] = blocksIn(sectionOf(readFileSync('README.md', 'utf8'), 'Protect a controller'), 'ts');
    writeFileSync(join(project, 'src/notes/notes.controller.ts'), controller!);
    const alone = { extends: './tsconfig.json', include: ['src/notes/notes.controller.ts'] };
    writeFileSync(join(project, 'tsconfig.notes.json'), JSON.stringify(alone));
    const { stdout } = await shell('npx tsc --noEmit -p tsconfig.notes.json');
    expect(stdout).toBe('');
  });
});

/** Code blocks below a line that names their file. */
function files(text: string): [file: string, code: string][] {
  return [...text.matchAll(/^`([\w./-]+)`:\n\n```ts\n(.*?)^```/gms)].map((match) => [match[1]!, match[2]!]);
}

/** A clean environment, without the variables of this test run. */
function environment(): NodeJS.ProcessEnv {
  const { PATH, HOME } = process.env;
  return { PATH, HOME, NO_COLOR: '1' };
}
