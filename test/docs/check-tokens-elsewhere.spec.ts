import { execFile, spawnSync } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { es256 } from '../support/access-forgeries.js';
import { createTestApp, type TestApp } from '../support/app.js';
import { isPostgres } from '../support/database.js';
import { claimForgeries, takeApart, withHeader } from '../support/forge.js';
import type { TokenResponse } from '../support/http.js';
import { filesIn } from '../support/page-code.js';
import { claimsOf, register } from '../support/people.js';
import { SigningKeysService } from '../../src/signing-keys/signing-keys.service.js';

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
  let front: Front;
  let issuer: string;
  let tokens: TokenResponse;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'latchkey-elsewhere-'));
    symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
    for (const [file, code] of filesIn(readFileSync(PAGE, 'utf8'))) writeFileSync(join(folder, file), code);
    writeFileSync(join(folder, 'verify.mjs'), NODE_CALLER);
    writeFileSync(join(folder, 'ask.mjs'), ASKING_CALLER);
    writeFileSync(join(folder, 'verify.py'), PYTHON_CALLER);
    front = new Front();
    issuer = await front.listen();
    test = await createTestApp({ env: { ISSUER: issuer, INTROSPECTION_CLIENTS: `notes-api:${SECRET}` } });
    front.behind = test.http.url;
  });
  beforeEach(async () => {
    front.begin();
    ({ tokens } = await register(test.http));
  });
  afterAll(async () => {
    await front.close();
    await test.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** What a program says of each of these tokens: its claims, or the status to refuse it with; null of `later:seconds`. */
  const tell = async (program: string, file: string, given: string[]): Promise<unknown[]> => {
    const env = { PATH: process.env['PATH'], ISSUER: issuer, CLIENT_ID: 'notes-api', CLIENT_SECRET: SECRET };
    const { stdout } = await run(program, [file, ...given], { cwd: folder, env });
    return JSON.parse(stdout) as unknown[];
  };

  /** All that is wrong with these is one thing: the signature is right. */
  const forgeries = (): [string, string][] => {
    const { privateKey } = test.app.get(SigningKeysService, { strict: false }).signer;
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
    expect(others.map((what, i) => [bad[i]![0], what])).toEqual(bad.map(([title]) => [title, 401]));
  };

  const PROGRAMS: [string, string, string][] = [
    ['Node', process.execPath, 'verify.mjs'],
    ...(PYTHON ? [['Python', PYTHON, 'verify.py'] as [string, string, string]] : []),
  ];
  const madeUp = (n: number) => {
    const { privateKey } = test.app.get(SigningKeysService, { strict: false }).signer;
    const mint = takeApart(tokens.access_token, es256(privateKey));
    return Array.from({ length: n }, (_, i) => withHeader(mint, { kid: `made-up-${i}` }));
  };

  it.each(PROGRAMS)('makes no request of every made-up kid in %s', async (_, program, file) => {
    const good = tokens.access_token;
    const told = await tell(program, file, [good, 'later:31', ...madeUp(20), good]);
    expect(told.slice(2, -1)).toEqual(Array(20).fill(401));
    expect([told[0], told.at(-1)]).toEqual([claimsOf(good), claimsOf(good)]);
    // One at the start, one for the twenty.
    expect(front.fetches).toBe(2);
  });

  it.each(PROGRAMS)('goes on with the keys that it has while Latchkey is away, in %s', async (_, program, file) => {
    const good = tokens.access_token;
    front.awayAfter(1);
    const [unknown] = madeUp(1);
    const told = await tell(program, file, [good, 'later:31', unknown!, good, 'later:540', good]);
    expect(front.fetches).toBe(2);
    expect([0, 3, 5].map((i) => told[i])).toEqual(Array(3).fill(claimsOf(good)));
    // Longer than that is what the page says of each.
    front.begin();
    front.awayAfter(1);
    const late = await tell(program, file, [good, 'later:630', good]);
    expect(late[2]).toEqual(file === 'verify.py' ? claimsOf(good) : 503);
    expect(front.fetches).toBe(2);
  });

  it.skipIf(!PYTHON)('calls no token bad in Python for want of keys', async () => {
    front.awayAfter(0);
    expect(await tell(PYTHON!, 'verify.py', [tokens.access_token, ...madeUp(1), 'nonsense'])).toEqual([503, 503, 401]);
    expect(front.fetches).toBe(1);
  });

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

/** Stands where ISSUER is, hands on to Latchkey, and counts who fetches the keys. */
class Front {
  behind = '';
  fetches = 0;
  private responses = Infinity;
  private readonly server: Server = createServer(async (request, response) => {
    const isFetch = request.url === '/.well-known/jwks.json';
    if (isFetch && ++this.fetches > this.responses) return response.writeHead(503).end();
    const chunks = await request.toArray();
    const { authorization, 'content-type': type } = request.headers;
    const behind = await fetch(this.behind + request.url, {
      method: request.method!,
      headers: { ...(authorization && { authorization }), ...(type && { 'content-type': type }) },
      ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
    });
    response.writeHead(behind.status, { 'content-type': behind.headers.get('content-type')! });
    return response.end(await behind.text());
  });

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  begin(): void {
    this.fetches = 0;
    this.responses = Infinity;
  }

  awayAfter(responses: number): void {
    this.responses = responses;
  }

  async close(): Promise<void> {
    await new Promise((resolve) => this.server.close(resolve));
  }
}

const NODE_CALLER = `import { checkToken, statusFor } from './check-token.mjs';
const { now } = Date;
let later = 0;
Date.now = () => now() + later;
const told = [];
for (const token of process.argv.slice(2)) {
  const [, seconds] = /^later:(.*)/.exec(token) ?? [];
  if (seconds) later += seconds * 1000;
  told.push(seconds ? null : await checkToken(token).catch(statusFor));
}
console.log(JSON.stringify(told));
`;

const ASKING_CALLER = `import { askAboutToken } from './ask-about-token.mjs';
const told = [];
for (const token of process.argv.slice(2)) told.push(await askAboutToken(token));
console.log(JSON.stringify(told));
`;

const PYTHON_CALLER = `import json, sys, time
import jwt
from check_token import KeysUnavailable, check_token

now = time.monotonic
later = 0
time.monotonic = lambda: now() + later

def tell(token):
    global later
    if token.startswith("later:"):
        later += int(token[6:])
        return None
    try:
        return check_token(token)
    except KeysUnavailable:
        return 503
    except jwt.PyJWTError:
        return 401

print(json.dumps([tell(token) for token in sys.argv[1:]]))
`;
