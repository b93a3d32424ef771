import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KeyStore, WrongAppSecret } from '../../src/key-store/key-store.js';
import { PasswordHasher } from '../../src/passwords/password-hasher.js';
import { RefreshTokenService } from '../../src/tokens/refresh-token.service.js';
import { SigningKeysService } from '../../src/signing-keys/signing-keys.service.js';
import { createTestApp, TEST_SECRET } from '../support/app.js';
import { isPostgres, throwawayDatabase, type ThrowawayDatabase } from '../support/database.js';
import type { Http } from '../support/http.js';
import { claimsOf, login, PASSWORD, refresh, register } from '../support/people.js';
import { runToEnd, startServer, type ServerProcess } from '../support/server-process.js';
import { dump, sql } from '../support/sql.js';

const OLD = 'the old secret which is long enough for it';
const NEW = 'the new secret which is longer by a few bytes';

let database: ThrowawayDatabase;
let running: ServerProcess[] = [];
beforeEach(async () => {
  database = await throwawayDatabase();
});
afterEach(async () => {
  await Promise.all(running.map((server) => server.stop()));
  running = [];
  await database.drop();
});

async function start(env: Record<string, string> = {}): Promise<Http> {
  const server = await startServer({ DATABASE_URL: database.url, ...env });
  running.push(server);
  return server.http;
}

/** SQLite serves one process at a time. */
async function stopAll(): Promise<void> {
  expect(await Promise.all(running.map((server) => server.stop()))).toEqual(running.map(() => 0));
  running = [];
}

const publicKeys = async (http: Http) => (await http.get('/.well-known/jwks.json')).body.keys;
const statusOf = async (http: Http, token: string) => (await http.get('/auth/whoami', { token })).status;

describe('the keys of an installation', { timeout: 60_000 }, () => {
  it('are shared by two processes that start in parallel on an empty database', async () => {
    const together = isPostgres ? await Promise.all([start(), start()]) : [await start()];
    const [first] = together as [Http];
    const keys = await publicKeys(first);
    const { email, tokens } = await register(first);
    if (!isPostgres) await stopAll();
    const second = together[1] ?? (await start());

    expect(keys).toHaveLength(1);
    expect(await publicKeys(second)).toEqual(keys);
    expect(await statusOf(second, tokens.access_token)).toBe(200);
    expect((await refresh(second, tokens.refresh_token)).body.refresh_token).toBe(tokens.refresh_token);
    expect(await statusOf(second, (await login(second, email)).access_token)).toBe(200);
    expect(await sql(database.url, 'SELECT purpose, sequence FROM keys ORDER BY purpose')).toEqual([
      { purpose: 'access-signing', sequence: 1 },
      { purpose: 'password-prehash', sequence: 1 },
    ]);
  });

  it('are created once by ten parallel callers', async () => {
    const test = await createTestApp({ databaseUrl: database.url });
    await test.dataSource.query('DELETE FROM keys');
    const store = test.app.get(KeyStore, { strict: false });
    const make = () => store.loadOrCreate('access-signing', () => randomBytes(48));
    const [first, ...others] = await Promise.all(Array.from({ length: 10 }, make));
    expect(first).toHaveLength(1);
    for (const other of [...others, await make()]) expect(other).toEqual(first);
    await test.close();
  });

  it('are not readable in a copy of the database, nor is any token or password', async () => {
    const test = await createTestApp({ databaseUrl: database.url });
    const { email, tokens } = await register(test.http);
    await statusOf(test.http, tokens.access_token);
    await test.flush();
    test.clock.move('121s');
    const rotated = (await refresh(test.http, tokens.refresh_token)).body;
    const signedIn = await login(test.http, email);
    const changed = await test.http.post('/auth/password', {
      token: signedIn.access_token,
      json: { currentPassword: PASSWORD, newPassword: 'another long passphrase' },
    });
    expect(changed.status).toBe(200);

    const { privateKey } = test.app.get(SigningKeysService, { strict: false }).signer;
    const secrets = [
      Buffer.from(privateKey.export({ format: 'jwk' }).d!, 'base64url'),
      test.app.get(RefreshTokenService, { strict: false })['signer'].key.export(),
      ...test.app.get(PasswordHasher, { strict: false })['keys'].values(),
    ].flatMap((bytes) =>
      (['hex', 'base64', 'base64url'] as const).map((encoding) => bytes.toString(encoding).slice(0, 40)),
    );
    const responses = [tokens, rotated, signedIn, changed.body];
    const bearers = responses.flatMap(({ access_token, refresh_token }) => [access_token, refresh_token]);
    const signatures = bearers.map((token: string) => token.split('.')[2]!);
    const everything = await dump(database.url);
    await test.close();

    expect(everything).toContain(email);
    const hidden = [...secrets, ...signatures, TEST_SECRET, PASSWORD, 'another long passphrase', 'PRIVATE KEY'];
    expect(hidden.filter((secret) => everything.includes(secret))).toEqual([]);
  });
});

describe('APP_SECRET', { timeout: 60_000 }, () => {
  /** The error of a start that is refused: without a secret and without a stack trace. */
  async function whyNot(appSecret: string): Promise<string> {
    const { code, output } = await runToEnd({ DATABASE_URL: database.url, PORT: '0', APP_SECRET: appSecret });
    expect(code).toBe(78);
    expect(output).not.toMatch(/\n\s+at |node_modules|\.js:\d/);
    for (const secret of appSecret.split(',')) expect(output).not.toContain(secret);
    return output;
  }

  it('rotates in three steps without losing a session or password', async () => {
    const first = await start({ APP_SECRET: OLD });
    const { email, tokens } = await register(first);
    const stillThere = async (http: Http) => [
      await statusOf(http, tokens.access_token),
      await statusOf(http, (await login(http, email)).access_token),
    ];
    await stopAll();
    const appended = await start({ APP_SECRET: `${OLD}, ${NEW}` });
    expect((await refresh(appended, tokens.refresh_token)).body.refresh_token).toBe(tokens.refresh_token);
    expect(await stillThere(appended)).toEqual([200, 200]);
    if (!isPostgres) await stopAll();
    expect(await whyNot(NEW)).toMatch(/APP_SECRET does not open the keys in this database/);

    const moved = await start({ APP_SECRET: `${NEW},${OLD}` });
    const { body } = await refresh(moved, tokens.refresh_token);
    expect(body.refresh_token).not.toBe(tokens.refresh_token);
    expect(claimsOf(body.refresh_token)).toEqual(claimsOf(tokens.refresh_token));
    expect(await stillThere(moved)).toEqual([200, 200]);
    // In a rolling deployment, processes of the previous step serve the same client.
    expect((await refresh(isPostgres ? appended : moved, body.refresh_token)).status).toBe(200);

    await stopAll();
    const dropped = await start({ APP_SECRET: NEW });
    expect((await refresh(dropped, body.refresh_token)).body.refresh_token).toBe(body.refresh_token);
    expect((await refresh(dropped, tokens.refresh_token)).body.code).toBe('refresh_token_invalid');
    expect(await stillThere(dropped)).toEqual([200, 200]);
  });

  it('opens no key of another secret, and no key that was changed or moved', async () => {
    const env = { APP_SECRET: OLD };
    const test = await createTestApp({ databaseUrl: database.url, env });
    const { tokens } = await register(test.http);
    await test.close();
    expect(await whyNot(NEW)).toMatch(/APP_SECRET does not open the keys in this database/);

    const rows = await sql(database.url, 'SELECT purpose, sealed FROM keys ORDER BY purpose');
    const [signing, password] = rows.map(({ sealed }) => String(sealed)) as [string, string];
    await write(password, signing);
    expect(await whyNot(OLD)).toMatch(/APP_SECRET/);
    for (const changed of [`${signing.slice(0, -20)}AAAAA`, signing.slice(0, 40), 'nonsense', '']) {
      await write(changed, password);
      await expect(createTestApp({ databaseUrl: database.url, env })).rejects.toThrow(WrongAppSecret);
    }
    await write(signing, password);
    const again = await createTestApp({ databaseUrl: database.url, env });
    expect((await refresh(again.http, tokens.refresh_token)).status).toBe(200);
    await again.close();
  });

  /** Overwrites the two sealed keys. */
  async function write(signing: string, password: string): Promise<void> {
    await sql(database.url, `UPDATE keys SET sealed = '${signing}' WHERE purpose = 'access-signing'`);
    await sql(database.url, `UPDATE keys SET sealed = '${password}' WHERE purpose = 'password-prehash'`);
  }
});
