import { randomBytes } from 'node:crypto';
import { AppModule } from '../../dist/src/app.module.js';
import { openDatabase } from '../../dist/src/boot/open-database.js';
import { Clock } from '../../dist/src/clock/clock.js';
import { loadConfig } from '../../dist/src/config/load-config.js';
import { createDataSource } from '../../dist/src/data-source.js';
import { Database } from '../../dist/src/database/database.js';
import { PasswordHasher } from '../../dist/src/passwords/password-hasher.js';
import { PasswordThrottle } from '../../dist/src/rate-limits/password-throttle.js';
import { UsersService } from '../../dist/src/users/users.service.js';
import { PASSWORD } from '../support/latchkey.mjs';
import { NestFactory } from '../support/nest.mjs';

/** An address without an account. All have the same length, and none is used twice unless it has an account. */
export const newAddress = () => `user-${randomBytes(8).toString('hex')}@example.com`;

/**
 * Makes accounts in a database that no server uses, with the services of the program. Resolves to their addresses. They share
 * one password, PASSWORD.
 */
export async function makeAccounts(env, count) {
  const config = loadConfig({ ...env, RATE_LIMITS: 'on', LOG_LEVEL: 'warn' });
  const dataSource = createDataSource(config);
  await openDatabase(config, dataSource);
  const app = await NestFactory.createApplicationContext(AppModule.forRoot(config, dataSource), {
    logger: ['warn', 'error'],
  });
  const own = { strict: false };
  const [users, database, throttle] = [UsersService, Database, PasswordThrottle].map((type) => app.get(type, own));
  const now = app.get(Clock, own).now();
  const passwordHash = await app.get(PasswordHasher, own).hash(PASSWORD, { network: '127.0.0.0/24' });

  async function make(verifiedAt) {
    const emails = Array.from({ length: count }, newAddress);
    await database.transaction(async (transaction) => {
      for (const address of emails)
        await users.create(
          { email: { address, canonical: address }, name: null, passwordHash, locale: null },
          verifiedAt,
          transaction,
        );
    });
    return emails;
  }
  async function stop(emails) {
    for (const email of emails)
      await database.write(
        'INSERT INTO password_throttles (key, failures, last_attempt_at) VALUES ($1, 100, $2::bigint)',
        [throttle.accountKey(email), now],
      );
    return emails;
  }
  const accounts = {
    known: await make(now),
    disabled: await make(now),
    unverified: await make(null),
    stopped: await stop(await make(now)),
    stoppedUnknown: await stop(Array.from({ length: count }, newAddress)),
  };
  for (const email of accounts.disabled)
    await database.write(`UPDATE users SET status = 'disabled' WHERE email_canonical = $1`, [email]);
  await app.close();
  return accounts;
}
