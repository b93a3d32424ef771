import { DataSource, type DataSourceOptions } from 'typeorm';
import { SecurityEvent } from './audit/security-event.entity.js';
import type { Config } from './config/config.js';
import { connectionOptions } from './database/connection-options.js';
import { postgresMigrations } from './database/migrations/postgres/index.js';
import { sqliteMigrations } from './database/migrations/sqlite/index.js';
import { StoredKey } from './key-store/stored-key.entity.js';
import { DevMail } from './mail/dev-mail.entity.js';
import { OutboxRow } from './mail/outbox-row.entity.js';
import { OneTimeToken } from './one-time-tokens/one-time-token.entity.js';
import { PasswordThrottleRow } from './rate-limits/password-throttle.entity.js';
import { RateLimitRow } from './rate-limits/rate-limit.entity.js';
import { Revocation } from './revocations/revocation.entity.js';
import { Session } from './sessions/session.entity.js';
import { User } from './users/user.entity.js';

/** A data source for a configuration: the tables, and the migrations of its kind of database. Not connected yet. */
export function createDataSource(config: Config): DataSource {
  return new DataSource({
    ...connectionOptions(config),
    entities: [
      User,
      Session,
      Revocation,
      StoredKey,
      OneTimeToken,
      SecurityEvent,
      OutboxRow,
      DevMail,
      RateLimitRow,
      PasswordThrottleRow,
    ],
    migrations: config.database.kind === 'postgres' ? postgresMigrations : sqliteMigrations,
    migrationsTableName: 'migrations',
  } as DataSourceOptions);
}
