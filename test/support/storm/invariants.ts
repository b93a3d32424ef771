import { expect } from 'vitest';
import { sql } from '../sql.js';

const HALF = {
  'users without a session': 'SELECT id FROM users WHERE id NOT IN (SELECT user_id FROM sessions)',
  'ended sessions whose access tokens live on': `SELECT id FROM sessions WHERE revoked_at IS NOT NULL
     AND NOT EXISTS (SELECT 1 FROM revocations WHERE subject = 'session:' || CAST(sessions.id AS text))`,
  'revocations of living sessions': `SELECT id FROM sessions WHERE revoked_at IS NULL
     AND EXISTS (SELECT 1 FROM revocations WHERE subject = 'session:' || CAST(sessions.id AS text))`,
  'generations acknowledged before they were issued': `SELECT id FROM sessions
     WHERE acknowledged_generation > generation`,
};

/** Nothing in the database is half of something. */
export async function expectNothingHalf(databaseUrl: string): Promise<void> {
  const found = await Promise.all(
    Object.entries(HALF).map(async ([what, text]) => [what, await sql(databaseUrl, text)]),
  );
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries(Object.keys(HALF).map((what) => [what, []])));
}

/** Ids of sessions that were ended, whatever for. */
export async function endedSessions(databaseUrl: string): Promise<unknown[]> {
  return (await sql(databaseUrl, 'SELECT id FROM sessions WHERE revoked_at IS NOT NULL')).map((row) => row['id']);
}
