import { TokenSigner } from '../../dist/src/tokens/token-signer.js';
import { register, SETTINGS } from './latchkey.mjs';
import { JwtService } from './nest.mjs';

/** @typedef {import('./sql.mjs').Sql} Sql */

export const ISSUER = 'http://localhost:3000';
const SESSIONS_PER_USER = 20;
const BATCH = 100_000;

/**
 * A server with so many sessions: a first one makes the tables and one session, the second one finds all the others.
 *
 * @param {() => Promise<any>} start
 * @param {() => Promise<Sql>} openSql
 */
export async function startWithSessions(rows, start, openSql) {
  const first = await start();
  await register(first.url);
  await first.stop();
  const sql = await openSql();
  await fillSessions(sql, rows);
  return { sql, server: await start() };
}

/**
 * Copies the one session and the one user of a database, until it has so many sessions.
 *
 * @param {Sql} sql
 */
async function fillSessions(sql, rows) {
  const users = Math.ceil(rows / SESSIONS_PER_USER);
  const email = `'reader' || n || '@example.com'`;
  await copyRow(sql, 'users', users, { id: sql.uuid('user', 'n'), email, email_canonical: email });
  const ofUser = sql.uuid('user', `n / ${SESSIONS_PER_USER}`);
  await copyRow(sql, 'sessions', rows - 1, { id: sql.uuid('session', 'n'), user_id: ofUser });
  for (const statement of sql.settle) await sql.query(statement);
}

async function copyRow(sql, table, count, replaced) {
  const [row] = await sql.query(`SELECT * FROM ${table} LIMIT 1`);
  const columns = Object.keys(row);
  const values = columns.map((column) => replaced[column] ?? `original."${column}"`);
  for (let from = 0; from < count; from += BATCH) {
    const series = sql.series(from, Math.min(from + BATCH, count) - 1);
    await sql.query(`
      INSERT INTO ${table} (${columns.map((column) => `"${column}"`).join(', ')})
      SELECT ${values.join(', ')} FROM ${table} AS original, ${series} WHERE original.id = '${row.id}'
    `);
  }
}

/**
 * The newest refresh tokens of sessions that are drawn at random. The server computes them from the row as well.
 *
 * @param {Sql} sql
 */
export async function drawTokens(sql, count) {
  const config = { appSecrets: [SETTINGS.APP_SECRET], issuer: ISSUER };
  const signer = new TokenSigner(config, undefined, new JwtService({}), undefined);
  const rows = await sql.query(
    `SELECT id, user_id, generation, rotated_at, expires_at FROM sessions ORDER BY random() LIMIT ${count}`,
  );
  return rows.map((row) =>
    signer.refreshToken({
      sessionId: row.id,
      userId: row.user_id,
      generation: row.generation,
      rotatedAt: Number(row.rotated_at),
      expiresAt: Number(row.expires_at),
    }),
  );
}
