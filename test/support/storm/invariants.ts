import { expect } from 'vitest';
import { sql } from '../database/sql.js';

const VIOLATIONS = {
  'users without a session': 'SELECT id FROM users WHERE id NOT IN (SELECT user_id FROM sessions)',
  'revoked sessions without a revocation of their access tokens': `SELECT id FROM sessions WHERE revoked_at IS NOT NULL
     AND NOT EXISTS (SELECT 1 FROM revocations WHERE subject = 'session:' || CAST(sessions.id AS text))`,
  'revocations of active sessions': `SELECT id FROM sessions WHERE revoked_at IS NULL
     AND EXISTS (SELECT 1 FROM revocations WHERE subject = 'session:' || CAST(sessions.id AS text))`,
  'generations acknowledged before they were issued': `SELECT id FROM sessions
     WHERE acknowledged_generation > generation`,
};

/** The database holds the result of no half-done operation. */
export async function expectInvariants(databaseUrl: string): Promise<void> {
  const found = await Promise.all(
    Object.entries(VIOLATIONS).map(async ([what, text]) => [what, await sql(databaseUrl, text)]),
  );
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries(Object.keys(VIOLATIONS).map((what) => [what, []])));
}

/** Ids of the revoked sessions. */
export async function revokedSessions(databaseUrl: string): Promise<unknown[]> {
  return (await sql(databaseUrl, 'SELECT id FROM sessions WHERE revoked_at IS NOT NULL')).map((row) => row['id']);
}
