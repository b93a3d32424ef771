import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isPostgres, throwawayDatabase, type ThrowawayDatabase } from '../support/database/database.js';
import { sql } from '../support/database/sql.js';
import { addNotices, passLease, startMailServer } from '../support/mail/mail-processes.js';
import { smtpEnv, startSmtp, type TestSmtp } from '../support/mail/smtp.js';
import type { Program } from '../support/programs/programs.js';

const TO = 'ada@example.com';

describe('the outbox of server processes', { timeout: 120_000 }, () => {
  let database: ThrowawayDatabase;
  let smtp: TestSmtp;
  let servers: Program[];
  beforeEach(async () => {
    database = await throwawayDatabase();
    smtp = await startSmtp();
    servers = [];
  });
  afterEach(async () => {
    await Promise.all(servers.map((server) => server.end('SIGKILL')));
    await smtp.close();
    await database.drop();
  });

  async function start(env: Record<string, string> = {}): Promise<Program> {
    const server = await startMailServer({ DATABASE_URL: database.url, ...smtpEnv(smtp), ...env });
    servers.push(server);
    return server;
  }
  const rows = () => sql(database.url, 'SELECT state, last_error, attempts, next_attempt_at FROM outbox');
  const states = async () => [...new Set((await rows()).map(({ state }) => state))];

  it('delivers 200 mails once each, with two processes on PostgreSQL', async () => {
    await Promise.all(isPostgres ? [start(), start()] : [start()]);
    const recipients = Array.from({ length: 200 }, (_, i) => `user-${i}@example.com`);
    await addNotices(database.url, smtp, recipients);
    await expect.poll(states, { timeout: 60_000, interval: 200 }).toEqual(['sent']);
    expect(smtp.received.map(({ to }) => to).sort()).toEqual(recipients.sort());
    expect(new Set(smtp.received.map(({ messageId }) => messageId)).size).toBe(200);
  });

  it('delivers no more than MAIL_RECIPIENT_LIMIT to one address', async () => {
    await Promise.all(isPostgres ? [start(), start()] : [start()]);
    await addNotices(database.url, smtp, Array<string>(40).fill(TO));
    await expect.poll(async () => (await states()).sort(), { timeout: 60_000 }).toEqual(['dropped', 'sent']);
    expect(smtp.received).toHaveLength(5);
  });

  it('sends a mail after a kill -9 between commit and sending', async () => {
    const first = await start();
    smtp.refuseRecipients({ code: 450 });
    await addNotices(database.url, smtp, [TO]);
    await expect.poll(() => smtp.attempts(), { timeout: 10_000 }).toBe(1);
    await first.end('SIGKILL');
    expect(await states()).toEqual(['pending']);
    await passLease(database.url);
    smtp.refuseRecipients(null);
    await start();
    await expect.poll(states, { timeout: 60_000 }).toEqual(['sent']);
    expect(smtp.received.map(({ to }) => to)).toEqual([TO]);
  });

  it('sends the same Message-ID after a kill -9 while the SMTP server holds a response', async () => {
    const first = await start();
    const { held, release } = smtp.hold();
    await addNotices(database.url, smtp, [TO]);
    const { messageId } = await held;
    await first.end('SIGKILL');
    release();
    expect(await states()).toEqual(['pending']);
    await passLease(database.url);
    await start();
    await expect.poll(states, { timeout: 60_000 }).toEqual(['sent']);
    expect(smtp.received.at(-1)!.messageId).toBe(messageId);
    expect(new Set(smtp.received.map((mail) => mail.messageId)).size).toBe(1);
  });

  it('delays no shutdown for an SMTP server that hangs; the next process sends it', async () => {
    const first = await start({ SHUTDOWN_DEADLINE: '6s' });
    const { held, release } = smtp.hold();
    await addNotices(database.url, smtp, [TO]);
    const { messageId } = await held;
    expect(await first.end('SIGTERM')).toBe(0);
    const [row] = await rows();
    expect(row).toMatchObject({ state: 'pending' });
    expect(Number(row!['next_attempt_at'])).toBeLessThanOrEqual(Date.now());
    release();
    await start();
    await expect.poll(states, { timeout: 10_000 }).toEqual(['sent']);
    expect(smtp.received.at(-1)!.messageId).toBe(messageId);
  });

  it('completes the mail in flight at a shutdown', async () => {
    const first = await start({ SHUTDOWN_DEADLINE: '60s' });
    const { held, release } = smtp.hold();
    await addNotices(database.url, smtp, [TO]);
    await held;
    const exit = first.end('SIGTERM');
    await first.prints(/stopping/);
    release();
    expect(await exit).toBe(0);
    expect(await states()).toEqual(['sent']);
    expect(smtp.received).toHaveLength(1);
  });

  it('logs a dead mail as an error, without its address', async () => {
    const server = await start();
    smtp.refuseRecipients({ code: 550, text: `<${TO}> is unknown` });
    await addNotices(database.url, smtp, [TO]);
    const [line] = await server.prints(/^.*is dead.*$/m);
    expect(line).toMatch(
      /"level":"error".*Mail [0-9a-f-]{36} \(notice\) is dead after 1 attempts: EENVELOPE 550 RCPT TO/,
    );
    expect(server.output()).not.toContain(TO);
  });
});
