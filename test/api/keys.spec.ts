import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KeyStore, WrongAppSecretError } from '../../src/key-store/key-store.js';
import { PasswordHasher } from '../../src/passwords/password-hasher.js';
import { TokenSigner } from '../../src/tokens/token-signer.js';
import { SigningKeysService } from '../../src/signing-keys/signing-keys.service.js';
import { createTestApp, TEST_SECRET, type TestApp } from '../support/app/app.js';
import { throwawayDatabase, type ThrowawayDatabase } from '../support/database/database.js';
import type { Http } from '../support/http/http.js';
import { claimsOf, login, PASSWORD, refresh, register } from '../support/app/users.js';
import { runToEnd } from '../support/programs/server-process.js';
import { dump, sql } from '../support/database/sql.js';

const OLD = 'the old secret which is long enough for it';
const NEW = 'the new secret which is longer by a few bytes';

let database: ThrowawayDatabase;
let running: TestApp | undefined;
beforeEach(async () => {
  database = await throwawayDatabase();
});
afterEach(async () => {
  await running?.close();
  running = undefined;
  await database.drop();
});

/** Restarts the application on the same database. */
async function start(APP_SECRET: string = TEST_SECRET): Promise<TestApp> {
  await running?.close();
  running = undefined;
  running = await createTestApp({ databaseUrl: database.url, env: { APP_SECRET } });
  return running;
}

const statusOf = async (http: Http, token: string) => (await http.get('/auth/whoami', { token })).status;

describe('the keys of an installation', () => {
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
      test.app.get(TokenSigner, { strict: false })['refreshKey'].key.export(),
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

describe('APP_SECRET', () => {
  it('rotates in the documented steps without losing a session or password', async () => {
    let { http } = await start(OLD);
    const { email, tokens } = await register(http);
    const stillThere = async () => [
      await statusOf(http, tokens.access_token),
      await statusOf(http, (await login(http, email)).access_token),
    ];
    ({ http } = await start(`${OLD}, ${NEW}`));
    expect((await refresh(http, tokens.refresh_token)).body.refresh_token).toBe(tokens.refresh_token);
    expect(await stillThere()).toEqual([200, 200]);
    await expect(start(NEW)).rejects.toThrow(WrongAppSecretError);

    ({ http } = await start(`${NEW},${OLD}`));
    const { body } = await refresh(http, tokens.refresh_token);
    expect(body.refresh_token).not.toBe(tokens.refresh_token);
    expect(claimsOf(body.refresh_token)).toEqual(claimsOf(tokens.refresh_token));
    expect(await stillThere()).toEqual([200, 200]);
    // A process of the previous step, which starts again during the rolling deployment, serves the same client.
    ({ http } = await start(`${OLD}, ${NEW}`));
    expect((await refresh(http, body.refresh_token)).status).toBe(200);
    await start(`${NEW},${OLD}`);

    ({ http } = await start(NEW));
    expect((await refresh(http, body.refresh_token)).body.refresh_token).toBe(body.refresh_token);
    expect((await refresh(http, tokens.refresh_token)).body.code).toBe('refresh_token_invalid');
    expect(await stillThere()).toEqual([200, 200]);
  });

  it('opens no key of another secret, and no key that was changed or moved', async () => {
    const { http } = await start(OLD);
    const { tokens } = await register(http);
    await expect(start(NEW)).rejects.toThrow(WrongAppSecretError);

    const rows = await sql(database.url, 'SELECT purpose, sealed FROM keys ORDER BY purpose');
    const [signing, password] = rows.map(({ sealed }) => String(sealed)) as [string, string];
    await write(password, signing);
    await expect(start(OLD)).rejects.toThrow(WrongAppSecretError);
    for (const changed of [`${signing.slice(0, -20)}AAAAA`, signing.slice(0, 40), 'nonsense', '']) {
      await write(changed, password);
      await expect(start(OLD)).rejects.toThrow(WrongAppSecretError);
    }
    await write(signing, password);
    expect((await refresh((await start(OLD)).http, tokens.refresh_token)).status).toBe(200);
  });

  it('stops a start when it does not fit: exit code 78, no secret, no stack trace', async () => {
    await start(OLD);
    await running!.close();
    running = undefined;
    const { code, output } = await runToEnd({ DATABASE_URL: database.url, PORT: '0', APP_SECRET: NEW });
    expect([code, output]).toEqual([78, expect.stringContaining('APP_SECRET does not open the keys in this database')]);
    expect(output).not.toMatch(/\n\s+at |node_modules|\.js:\d/);
    for (const secret of [OLD, NEW]) expect(output).not.toContain(secret);
  });

  /** Overwrites the two sealed keys. */
  async function write(signing: string, password: string): Promise<void> {
    await sql(database.url, `UPDATE keys SET sealed = '${signing}' WHERE purpose = 'access-signing'`);
    await sql(database.url, `UPDATE keys SET sealed = '${password}' WHERE purpose = 'password-prehash'`);
  }
});
