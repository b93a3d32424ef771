import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { inject } from 'vitest';

export interface ThrowawayDatabase {
  /** For DATABASE_URL. */
  url: string;
  drop: () => Promise<void>;
}

export const isPostgres = process.env['TEST_DATABASE'] === 'postgres';

/** A new empty database: SQLite or PostgreSQL, by TEST_DATABASE. */
export async function throwawayDatabase(): Promise<ThrowawayDatabase> {
  return isPostgres ? throwawayPostgres() : throwawaySqlite();
}

function throwawaySqlite(): ThrowawayDatabase {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-sqlite-'));
  return {
    url: `sqlite:${join(folder, 'test.sqlite')}`,
    drop: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function throwawayPostgres(): Promise<ThrowawayDatabase> {
  const server = inject('postgres');
  const name = `test_${randomBytes(8).toString('hex')}`;
  await administer(`CREATE DATABASE ${name}`);
  return { url: `${server}/${name}`, drop: () => administer(`DROP DATABASE ${name} WITH (FORCE)`) };
}

async function administer(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: `${inject('postgres')}/postgres` });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
