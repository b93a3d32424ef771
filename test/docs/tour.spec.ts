import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { blocksIn, sectionOf } from '../support/pages/page-code.js';
import { typeErrors } from '../support/browser/spa-site.js';

const run = promisify(execFile);
const README = readFileSync('README.md', 'utf8');
const TOUR = readFileSync('docs/tour.md', 'utf8');

describe('the commands with curl', { timeout: 120_000 }, () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await createTestApp();
  });
  afterAll(() => test.close());

  /** Runs the blocks in one shell, and reads the JSON that they print. */
  async function responsesTo(blocks: string[]): Promise<Record<string, unknown>[]> {
    const code = blocks.join('\n').replaceAll('localhost:3000', new URL(test.http.url).host);
    const { stdout } = await run('bash', ['-ec', code], { env: { PATH: process.env['PATH'] } });
    return stdout
      .replaceAll(/([}\]])\s*(?=[{[])/g, '$1\n')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  it('of the README sign in, refresh and sign out', async () => {
    const [whoAmI, tokens] = await responsesTo(blocksIn(sectionOf(README, 'Sign in with curl'), 'sh'));
    expect(whoAmI).toMatchObject({ userId: expect.any(String), roles: [] });
    expect(tokens).toMatchObject({ token_type: 'Bearer', session_id: whoAmI!['sessionId'] });
    expect((await test.dataSource.query('SELECT revoked_reason FROM sessions')) as unknown[]).toEqual([
      { revoked_reason: 'logout' },
    ]);
  });

  it('of the tour get responses of the form that the tour shows', async () => {
    await test.dataSource.query('DELETE FROM users');
    const shown = blocksIn(TOUR, 'json').map((json) => JSON.parse(json) as Record<string, unknown>);
    const responses = await responsesTo(blocksIn(TOUR, 'sh'));
    expect(responses.map(formOf)).toEqual(shown.map(formOf));
    expect(responses.at(-1)).toMatchObject({ code: shown.at(-1)!['code'], title: shown.at(-1)!['title'] });
  });
});

it('of the README have client code without type errors', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-readme-'));
  const [code = ''] = blocksIn(sectionOf(README, 'Use the client in a page'), 'ts');
  writeFileSync(join(folder, 'main.ts'), code);
  expect(code).toContain('createClient(');
  expect(typeErrors([join(folder, 'main.ts')])).toEqual([]);
  rmSync(folder, { recursive: true });
});

/** The members of a response, and of what it lists. */
function formOf(value: unknown): unknown {
  return Array.isArray(value) ? value.map(formOf) : Object.keys(value as object);
}
