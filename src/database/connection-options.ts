import sqlite3 from 'sqlite3';
import type { DataSourceOptions } from 'typeorm';
import type { Config } from '../config/config.js';
import { TimeoutAwareClient } from './timeout-aware-client.js';

/** How long a statement may wait, in milliseconds. When a limit is reached, the response is 503. */
export const TIMEOUTS = { connect: 3000, lock: 2000, statement: 5000, query: 6000 };

const CONNECTION_LIFETIME_SECONDS = 600;

type ConnectionOptions = Pick<DataSourceOptions, 'type'> & Record<string, unknown>;

/** How to reach the configured database. */
export function connectionOptions(config: Config): ConnectionOptions {
  const { database } = config;
  return database.kind === 'sqlite' ? sqliteOptions(database.file) : postgresOptions(config, database.url);
}

function sqliteOptions(file: string): ConnectionOptions {
  return {
    type: 'sqlite',
    database: file,
    // `verbose()` makes a stack trace for every statement.
    driver: { verbose: () => sqlite3 },
    // Not `enableWAL`, which can fail where processes start together: `migrate.ts` switches the file.
    busyTimeout: TIMEOUTS.statement,
  };
}

function postgresOptions(config: Config, url: string): ConnectionOptions {
  return {
    type: 'postgres',
    url,
    applicationName: 'latchkey',
    poolSize: config.databasePoolSize,
    connectTimeoutMS: TIMEOUTS.connect,
    installExtensions: false,
    parseInt8: true,
    poolErrorHandler: () => {},
    extra: {
      Client: TimeoutAwareClient,
      keepAlive: true,
      // Statements that connections keep prepared were planned with the statistics of that time.
      maxLifetimeSeconds: CONNECTION_LIFETIME_SECONDS,
      statement_timeout: TIMEOUTS.statement,
      lock_timeout: TIMEOUTS.lock,
      // A paused server sends nothing at all: only this timer, in the client, ends the wait.
      query_timeout: TIMEOUTS.query,
      idle_in_transaction_session_timeout: 2 * TIMEOUTS.statement,
    },
  };
}
