import { execFile, spawnSync } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { es256 } from '../support/forgeries/access-forgeries.js';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { claimForgeries, takeApart, withHeader } from '../support/forgeries/forge.js';
import type { TokenResponse } from '../support/http/http.js';
import { filesIn } from '../support/pages/page-code.js';
import { claimsOf, register } from '../support/app/users.js';
import { SigningKeysService } from '../../src/signing-keys/signing-keys.service.js';

const run = promisify(execFile);
const PAGE = 'docs/check-tokens-elsewhere.md';
const SECRET = 'of+the+tests/and=nothing%20else:at-all';
/** A Python with PyJWT. */
const PYTHON = ['python3', '/usr/bin/python3'].find(
  (python) => spawnSync(python, ['-c', 'import jwt, cryptography']).status === 0,
);
if (!PYTHON) {
  process.stderr.write('SKIPPED: the Python of docs/check-tokens-elsewhere.md (no python3 with PyJWT here)\n');
}

/** Runs the page's code unchanged.. */
describe('the page on checking tokens elsewhere', () => {
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

  /** The result of a program for each token: claims, or a status; null for `later:seconds`, which moves its clock. */
  const check = async (program: string, file: string, given: string[]): Promise<unknown[]> => {
    const env = { PATH: process.env['PATH'], ISSUER: issuer, CLIENT_ID: 'notes-api', CLIENT_SECRET: SECRET };
    const { stdout } = await run(program, [file, ...given], { cwd: folder, env });
    return JSON.parse(stdout) as unknown[];
  };

  /** Tokens with one fault each and a valid signature. */
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
    const [good, ...others] = await check(program, file, [tokens.access_token, ...bad.map(([, token]) => token)]);
    expect(good).toEqual(claimsOf(tokens.access_token));
    expect(others.map((what, i) => [bad[i]![0], what])).toEqual(bad.map(([title]) => [title, 401]));
  };

  const PROGRAMS: [string, string, string][] = [
    ['Node', process.execPath, 'verify.mjs'],
    ...(PYTHON ? [['Python', PYTHON, 'verify.py'] as [string, string, string]] : []),
  ];
  const withUnknownKids = (n: number) => {
    const { privateKey } = test.app.get(SigningKeysService, { strict: false }).signer;
    const mint = takeApart(tokens.access_token, es256(privateKey));
    return Array.from({ length: n }, (_, i) => withHeader(mint, { kid: `unknown-${i}` }));
  };

  it.each(PROGRAMS)(
    'does not fetch the keys for every unknown kid (denial of service): %s',
    async (_, program, file) => {
      const good = tokens.access_token;
      const results = await check(program, file, [good, 'later:31', ...withUnknownKids(20), good]);
      expect(results.slice(2, -1)).toEqual(Array(20).fill(401));
      expect([results[0], results.at(-1)]).toEqual([claimsOf(good), claimsOf(good)]);
      // One at the start, one for the twenty unknown kids.
      expect(front.fetches).toBe(2);
    },
  );

  it.each(PROGRAMS)('keeps using its cached keys while Latchkey is unavailable: %s', async (_, program, file) => {
    const good = tokens.access_token;
    front.failAfter(1);
    const [unknown] = withUnknownKids(1);
    const results = await check(program, file, [good, 'later:31', unknown!, good, 'later:540', good]);
    expect(front.fetches).toBe(2);
    expect([0, 3, 5].map((i) => results[i])).toEqual(Array(3).fill(claimsOf(good)));
    // The page describes the limit of each program.
    front.begin();
    front.failAfter(1);
    const late = await check(program, file, [good, 'later:630', good]);
    expect(late[2]).toEqual(file === 'verify.py' ? claimsOf(good) : 503);
    expect(front.fetches).toBe(2);
  });

  it.skipIf(!PYTHON)('responds with 503, not 401, without keys: Python', async () => {
    front.failAfter(0);
    expect(await check(PYTHON!, 'verify.py', [tokens.access_token, ...withUnknownKids(1), 'nonsense'])).toEqual([
      503, 503, 401,
    ]);
    expect(front.fetches).toBe(1);
  });

  it('has code for Node that accepts only access tokens, with all documented checks', async () => {
    await expectChecked(process.execPath, 'verify.mjs');
  });

  it.skipIf(!PYTHON)('has code for Python that accepts only access tokens, with all checks', async () => {
    await expectChecked(PYTHON!, 'verify.py');
  });

  it('has code for Node that introspects, and notices a logout at once', async () => {
    const { access_token, refresh_token } = tokens;
    const [good, ...others] = await check(process.execPath, 'ask.mjs', [access_token, refresh_token, 'nonsense']);
    expect([good, others]).toMatchObject([claimsOf(access_token), [null, null]]);
    await test.http.post('/auth/logout', { token: access_token });
    expect(await check(process.execPath, 'ask.mjs', [access_token])).toEqual([null]);
  });

  it('says correctly that local verification accepts revoked tokens until they expire', async () => {
    await test.http.post('/auth/logout', { token: tokens.access_token });
    expect(await check(process.execPath, 'verify.mjs', [tokens.access_token])).toEqual([claimsOf(tokens.access_token)]);
  });
});

/** A proxy at ISSUER that passes requests to Latchkey, and counts fetches of the keys. */
class Front {
  behind = '';
  fetches = 0;
  private allowed = Infinity;
  private readonly server: Server = createServer(async (request, response) => {
    const isFetch = request.url === '/.well-known/jwks.json';
    if (isFetch && ++this.fetches > this.allowed) return response.writeHead(503).end();
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
    this.allowed = Infinity;
  }

  failAfter(fetches: number): void {
    this.allowed = fetches;
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
