import { generateKeyPairSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import jwt from 'jsonwebtoken';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Clock } from '../../src/clock/clock.js';
import { Metrics } from '../../src/metrics/metrics.js';
import { Config } from '../../src/config/config.js';
import { Database } from '../../src/database/database.js';
import { DatabaseClock } from '../../src/database/database-clock.js';
import { KeyStore } from '../../src/key-store/key-store.js';
import { PurgeService } from '../../src/sessions/purge.service.js';
import { KeyRotationService } from '../../src/signing-keys/key-rotation.service.js';
import { SigningKeysService } from '../../src/signing-keys/signing-keys.service.js';
import { createTestApp, TEST_SECRET, type TestApp } from '../support/app/app.js';
import { throwawayDatabase, isPostgres } from '../support/database/database.js';
import { claimsOf, login, refresh, register } from '../support/app/users.js';
import { runToEnd } from '../support/programs/server-process.js';
import { watchStatements } from '../support/database/statements.js';

const kidOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()).kid as string;

describe('a signing key', () => {
  let test: TestApp;
  beforeEach(async () => {
    test = await createTestApp();
  });
  afterEach(() => test.close());

  const published = async () =>
    (await test.http.get('/.well-known/jwks.json')).body.keys.map(({ kid }: { kid: string }) => kid) as string[];
  const keepUp = () => test.app.get(KeyRotationService, { strict: false }).keepUp();
  const whoami = async (token: string) => {
    const { status, body } = await test.http.get('/auth/whoami', { token });
    return status === 200 ? 200 : body.code;
  };

  it('rotates after 90 days: published first, retired after its last token expires', async () => {
    // Only moves count: the last second before the new key signs is longer than a busy machine needs for a request.
    test.clock.standStill(Date.now());
    const { email } = await register(test.http);
    const [first] = await published();
    test.clock.move('90d');
    await keepUp();
    const [, second, ...more] = await published();
    expect(more).toEqual([]);

    const late = await login(test.http, email);
    expect(kidOf(late.access_token)).toBe(first);
    test.clock.move('599s');
    expect(kidOf((await login(test.http, email)).access_token)).toBe(first);
    test.clock.move('1s');
    const { body: fresh } = await refresh(test.http, late.refresh_token);
    expect(kidOf(fresh.access_token)).toBe(second);
    expect([await whoami(late.access_token), await whoami(fresh.access_token)]).toEqual([200, 200]);

    test.clock.move('25h');
    await keepUp();
    expect(await published()).toEqual([second]);
    expect((await refresh(test.http, fresh.refresh_token)).status).toBe(200);
  });

  it('is created once when several processes rotate at the same time', async () => {
    test.clock.move('90d');
    const store = test.app.get(KeyStore, { strict: false });
    const [config, clock] = [test.app.get(Config), test.app.get(Clock)];
    const processes = Array.from({ length: 10 }, () => new SigningKeysService(store, config, clock));
    for (const keys of processes) await keys.onModuleInit();
    await Promise.all(
      processes.map((keys) => new KeyRotationService(keys, test.app.get(DatabaseClock), new Metrics()).keepUp()),
    );
    const [one, ...others] = processes.map((keys) => keys.publicKeys());
    expect(one).toHaveLength(2);
    for (const other of others) expect(other).toEqual(one);
    for (let again = 0; again < 3; again++) await keepUp();
    expect(await published()).toHaveLength(2);
  });

  it('causes no database statement when its kid is unknown (denial of service)', async () => {
    const { tokens } = await register(test.http);
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const forged = Array.from({ length: 300 }, (_, i) =>
      jwt.sign(claimsOf(tokens.access_token), privateKey, {
        algorithm: 'ES256',
        header: { alg: 'ES256', typ: 'at+jwt', kid: `unknown-${i}` },
      }),
    );
    const statements = watchStatements();
    for (const token of forged) expect(await whoami(token)).toBe('access_token_invalid');
    expect(statements.taken()).toEqual([]);
    statements.stop();
    expect(await whoami(tokens.access_token)).toBe(200);
  });

  it('invalidates its cached access tokens when it is replaced at once', async () => {
    const { tokens } = await register(test.http);
    expect(await whoami(tokens.access_token)).toBe(200);
    const keys = test.app.get(SigningKeysService, { strict: false });
    await keys.replace();
    expect(await whoami(tokens.access_token)).toBe('access_token_invalid');
    const { body } = await refresh(test.http, tokens.refresh_token);
    expect(await whoami(body.access_token)).toBe(200);
    expect(await published()).toHaveLength(1);
  });

  it('keeps signing when the keys are unreadable, and is recreated after deletion', async () => {
    const { tokens } = await register(test.http);
    const tick = () => test.app.get(KeyRotationService, { strict: false }).tick();
    await test.dataSource.query('ALTER TABLE keys RENAME TO keys_away');
    await tick();
    expect((await refresh(test.http, tokens.refresh_token)).status).toBe(200);
    await test.dataSource.query('ALTER TABLE keys_away RENAME TO keys');
    await test.dataSource.query(`UPDATE keys SET sealed = 'nonsense' WHERE purpose = 'access-signing'`);
    await tick();
    expect(await whoami((await refresh(test.http, tokens.refresh_token)).body.access_token)).toBe(200);

    vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 60_000);
    expect(test.app.get(SigningKeysService, { strict: false }).areCurrent).toBe(false);
    vi.restoreAllMocks();

    const [first] = await published();
    await test.dataSource.query(`DELETE FROM keys WHERE purpose = 'access-signing'`);
    await keepUp();
    const after = await published();
    expect(after).toHaveLength(1);
    expect(after).not.toContain(first);
  });
});

describe('a process whose clock is ahead', () => {
  it('creates no key, retires none, and purges nothing', async () => {
    const test = await createTestApp();
    const { tokens } = await register(test.http);
    await test.http.post('/auth/logout', { token: (await register(test.http)).tokens.access_token });
    const rows = () =>
      test.app
        .get(Database)
        .write('SELECT (SELECT count(*) FROM sessions) AS s, (SELECT count(*) FROM revocations) AS r');
    const keys = () => test.app.get(Database).write('SELECT purpose, sequence FROM keys ORDER BY purpose, sequence');
    const before = [await rows(), await keys()];
    test.clock.move('100d');
    await test.app.get(PurgeService, { strict: false }).runIfClocksAgree();
    await test.app.get(KeyRotationService, { strict: false }).tick();
    expect([await rows(), await keys()]).toEqual(before);
    test.clock.move('-100d');
    expect((await refresh(test.http, tokens.refresh_token)).status).toBe(200);
    await test.close();
  });
});

describe('keys:rotate', () => {
  it('creates no secret: it would not be that of the servers', async () => {
    const { code, output } = await runToEnd({}, 'cli/rotate-keys.js');
    expect(code).toBe(78);
    expect(output).toContain('APP_SECRET must be set');
    expect(output).not.toContain('Created a secret');
  });

  it('refuses to create anything without an installation', async () => {
    const empty = await throwawayDatabase();
    const env = { DATABASE_URL: empty.url, APP_SECRET: TEST_SECRET };
    const { code, output } = await runToEnd(env, 'cli/rotate-keys.js', '--at-once');
    expect([code, output]).toEqual([78, expect.stringContaining('no installation')]);
    if (!isPostgres) expect(existsSync(empty.url.slice('sqlite:'.length))).toBe(false);
    await empty.drop();
  });

  it('leaves one key when several run with --at-once in parallel', async () => {
    const test = await createTestApp();
    const [config, clock] = [test.app.get(Config), test.app.get(Clock)];
    const processes = Array.from(
      { length: 4 },
      () => new SigningKeysService(test.app.get(KeyStore, { strict: false }), config, clock),
    );
    for (let round = 0; round < 5; round++) {
      await Promise.all(processes.map((keys) => keys.replace()));
      const sql = `SELECT sequence FROM keys WHERE purpose = 'access-signing'`;
      expect(await test.app.get(Database).write(sql)).toEqual([{ sequence: 4 * (round + 1) + 1 }]);
    }
    await test.close();
  });
});
