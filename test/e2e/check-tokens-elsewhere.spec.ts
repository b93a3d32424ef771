import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { es256 } from '../support/access-forgeries.js';
import { createTestApp, type TestApp } from '../support/app.js';
import { isPostgres } from '../support/database.js';
import { claimForgeries, takeApart, withHeader } from '../support/forge.js';
import { freePort } from '../support/free-port.js';
import type { TokenAnswer } from '../support/http.js';
import { claimsOf, register } from '../support/people.js';
import { SigningKeys } from '../../src/tokens/signing-keys.js';

const run = promisify(execFile);
const PAGE = 'docs/check-tokens-elsewhere.md';
const SECRET = 'of+the+tests/and=nothing%20else:at-all';
/** One that has PyJWT, wherever Debian or somebody else has put it. */
const PYTHON = ['python3', '/usr/bin/python3'].find(
  (python) => spawnSync(python, ['-c', 'import jwt, cryptography']).status === 0,
);
if (!PYTHON && !isPostgres) {
  process.stderr.write('SKIPPED: the Python of docs/check-tokens-elsewhere.md (no python3 with PyJWT here)\n');
}

/** Runs the page's blocks as they stand. Once is enough: the page is the same for any database. */
describe.skipIf(isPostgres)('the page on checking tokens elsewhere', () => {
  let folder: string;
  let test: TestApp;
  let issuer: string;
  let tokens: TokenAnswer;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'latchkey-elsewhere-'));
    symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
    for (const [file, code] of files(readFileSync(PAGE, 'utf8'))) writeFileSync(join(folder, file), code);
    writeFileSync(join(folder, 'verify.mjs'), caller('checkToken', './check-token.mjs'));
    writeFileSync(join(folder, 'ask.mjs'), caller('askAboutToken', './ask-about-token.mjs'));
    writeFileSync(join(folder, 'verify.py'), PYTHON_CALLER);
    const port = await freePort();
    issuer = `http://127.0.0.1:${port}`;
    test = await createTestApp({ port, env: { ISSUER: issuer, INTROSPECTION_CLIENTS: `notes-api:${SECRET}` } });
  });
  beforeEach(async () => {
    ({ tokens } = await register(test.http));
  });
  afterAll(async () => {
    await test.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** What a program says of each of these tokens: its claims, or the one word `refused`. */
  const tell = async (program: string, file: string, given: string[]): Promise<unknown[]> => {
    const env = { PATH: process.env['PATH'], ISSUER: issuer, CLIENT_ID: 'notes-api', CLIENT_SECRET: SECRET };
    const { stdout } = await run(program, [file, ...given], { cwd: folder, env });
    return JSON.parse(stdout) as unknown[];
  };

  /** All that is wrong with these is one thing: the signature is right. */
  const forgeries = (): [string, string][] => {
    const { privateKey } = test.app.get(SigningKeys, { strict: false }).signer;
    const mint = takeApart(tokens.access_token, es256(privateKey));
    const past = Math.floor(Date.now() / 1000) - 600;
    return [
      ['a refresh token', tokens.refresh_token],
      ['another typ', withHeader(mint, { typ: 'JWT' })],
      ['another alg', withHeader(mint, { alg: 'none' })],
      ['another kid', withHeader(mint, { kid: 'unknown' })],
      ['a changed signature', `${tokens.access_token.slice(0, -6)}AAAAAA`],
      ...[
        ...claimForgeries('iss', ['https://attacker.example', `${issuer}/`]),
        ...claimForgeries('aud', ['https://other.example', `${issuer}/auth/refresh`]),
        ...claimForgeries('exp', [past]),
        ...claimForgeries('sub', []),
      ].map(([title, forge]): [string, string] => [title, forge(mint)]),
    ];
  };

  const expectChecked = async (program: string, file: string) => {
    const bad = forgeries();
    const [good, ...others] = await tell(program, file, [tokens.access_token, ...bad.map(([, token]) => token)]);
    expect(good).toEqual(claimsOf(tokens.access_token));
    expect(others.map((what, i) => [bad[i]![0], what])).toEqual(bad.map(([title]) => [title, 'refused']));
  };

  it('has code for Node that lets in access tokens alone, and those with every check that the page lists', async () => {
    await expectChecked(process.execPath, 'verify.mjs');
  });

  it.skipIf(!PYTHON)('has code for Python that does the same', async () => {
    await expectChecked(PYTHON!, 'verify.py');
  });

  it('has code for Node that asks, and hears of a logout at once', async () => {
    const { access_token, refresh_token } = tokens;
    const [good, ...others] = await tell(process.execPath, 'ask.mjs', [access_token, refresh_token, 'nonsense']);
    expect([good, others]).toMatchObject([claimsOf(access_token), [null, null]]);
    await test.http.post('/auth/logout', { token: access_token });
    expect(await tell(process.execPath, 'ask.mjs', [access_token])).toEqual([null]);
  });

  it('is right that who only verifies lets in what was ended, until it expires', async () => {
    await test.http.post('/auth/logout', { token: tokens.access_token });
    expect(await tell(process.execPath, 'verify.mjs', [tokens.access_token])).toEqual([claimsOf(tokens.access_token)]);
  });
});

/** Code blocks under a line that names their file. */
function files(text: string): [file: string, code: string][] {
  return [...text.matchAll(/In `([\w./-]+)`:\n\n```\w+\n(.*?)^```/gms)].map((match) => [match[1]!, match[2]!]);
}

function caller(name: string, file: string): string {
  return `import { ${name} } from '${file}';
const told = [];
for (const token of process.argv.slice(2)) told.push(await ${name}(token).catch(() => 'refused'));
console.log(JSON.stringify(told));
`;
}

const PYTHON_CALLER = `import json, sys
import jwt
from check_token import check_token

def tell(token):
    try:
        return check_token(token)
    except jwt.PyJWTError:
        return "refused"

print(json.dumps([tell(token) for token in sys.argv[1:]]))
`;
