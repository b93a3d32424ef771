import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Clock } from '../../../src/clock/clock.js';
import { SecretBox } from '../../../src/key-store/secret-box.js';
import { Outbox } from '../../../src/mail/outbox.js';
import { TEST_SECRET } from '../app/app.js';
import { openDatabase } from '../database/bare-database.js';
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
