import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect } from 'vitest';
import { Clock } from '../../../src/clock/clock.js';
import { SecretBox } from '../../../src/key-store/secret-box.js';
import { Outbox } from '../../../src/mail/outbox.js';
import { TEST_SECRET } from '../app/app.js';
import { openDatabase } from '../database/bare-database.js';
import { sql } from '../database/sql.js';
import { runProgram, type Program } from '../programs/programs.js';
import { smtpEnv, type TestSmtp } from './smtp.js';

const SERVER = resolve('test/support/mail/mail-server.js');

/** A server process that sends the mails of the kind `notice`, and listens. */
export async function startMailServer(env: Record<string, string>): Promise<Program> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-mail-'));
  const all = { APP_SECRET: TEST_SECRET, BCRYPT_COST: '4', PORT: '0', ...env };
  const program = runProgram(folder, all, [SERVER]);
  program.process.on('close', () => rmSync(folder, { recursive: true, force: true }));
  await program.listens();
  return program;
}

/** Adds mails of the kind `notice` to a database that servers use. */
export async function addNotices(databaseUrl: string, smtp: TestSmtp, recipients: string[]): Promise<void> {
  const { database, config, close } = await openDatabase(databaseUrl, smtpEnv(smtp));
  const outbox = new Outbox(new SecretBox(config), new Clock(), config);
  outbox.define('notice', async () => null);
  await database.transaction(async (transaction) => {
    for (const [i, recipient] of recipients.entries()) {
      const mail = { kind: 'notice', recipient, event: `event ${i}`, payload: { name: 'Ada' } };
      await outbox.add(mail, transaction);
    }
  });
  await close();
}

/** For so long a process that was killed keeps others from sending the mail that it had begun with. */
const LEASE_MS = 30_000;

/** Lets the lease of a process that was killed pass: the rows become as old as that, nobody waits. */
export async function passLease(databaseUrl: string): Promise<void> {
  const [row] = await sql(databaseUrl, `SELECT max(next_attempt_at) AS at FROM outbox WHERE state = 'pending'`);
  const left = Number(row!['at']) - Date.now();
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThanOrEqual(LEASE_MS);
  const older = `UPDATE outbox SET next_attempt_at = next_attempt_at - ${LEASE_MS} WHERE state = 'pending'`;
  await sql(databaseUrl, older);
}
