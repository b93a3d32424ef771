import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Database, type Statements } from '../../src/database/database.js';
import { MailBudgets } from '../../src/mail/mail-budgets.js';
import { Outbox } from '../../src/mail/outbox.js';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { scrapeMetrics } from '../support/app/scrape-metrics.js';
import { isPostgres } from '../support/database/database.js';
import { addMail, defineKinds, statesOf, verification } from '../support/mail/kinds.js';
import { smtpEnv, startSmtp, type TestSmtp } from '../support/mail/smtp.js';

const TO = 'ada@example.com';

/** Resolves when a transaction waits for an advisory lock. */
async function waitsForLock(database: Database): Promise<void> {
  const sql = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
  while ((await database.read(sql)).length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe('the mail budgets', () => {
  let smtp: TestSmtp;
  let test: TestApp | undefined;
  beforeEach(async () => {
    smtp = await startSmtp();
  });
  afterEach(async () => {
    await test?.close();
    test = undefined;
    await smtp.close();
  });

  async function start(env: Record<string, string> = {}): Promise<TestApp> {
    test = await createTestApp({ env: { ...smtpEnv(smtp), ...env } });
    defineKinds(test);
    return test;
  }
  /** What is due then is sent now, not at the next poll. */
  const pass = (time: string) => {
    test!.clock.move(time);
    test!.app.get(Outbox, { strict: false }).wake();
  };
  const counts = async (expected: Record<string, number>) => {
    await expect
      .poll(
        async () => {
          const states = await statesOf(test!);
          return Object.fromEntries(
            Object.keys(expected).map((state) => [state, states.filter((one) => one === state).length]),
          );
        },
        { timeout: 10_000 },
      )
      .toEqual(expected);
  };
  const outcome = async (name: string, value: number) => {
    await expect
      .poll(async () => (await scrapeMetrics(test!.http)).series[`latchkey_mails_total{outcome="${name}"}`], {
        timeout: 10_000,
      })
      .toBe(value);
  };

  it('deliver 5 mails an hour to one address, in any spelling; the 6th is dropped', async () => {
    const app = await start();
    for (const to of [TO, 'ADA@example.com', 'Ada@EXAMPLE.com', TO, TO]) await addMail(app, to);
    await counts({ sent: 5 });
    await addMail(app, TO);
    await counts({ sent: 5, dropped: 1 });
    await outcome('dropped', 1);
    pass('59m');
    await addMail(app, TO);
    await counts({ sent: 5, dropped: 2 });
    await addMail(app, 'bob@example.com');
    await counts({ sent: 6 });
    pass('2m');
    await addMail(app, TO);
    await counts({ sent: 7, dropped: 2 });
    expect(smtp.received).toHaveLength(7);
  });

  it('of requests do not use up the notices of the owner', async () => {
    const app = await start();
    for (let i = 0; i < 8; i++) await addMail(app, TO);
    await counts({ sent: 5, dropped: 3 });
    await addMail(app, TO, { kind: 'notice' });
    await counts({ sent: 6, dropped: 3 });
    expect(smtp.received.at(-1)!.parsed.subject).toBe('Your account was deleted');
  });

  it('count a mail once, however often it is tried', async () => {
    const app = await start({ MAIL_RECIPIENT_LIMIT: '1' });
    smtp.refuseRecipients({ code: 450 });
    await addMail(app, TO);
    await outcome('failed', 1);
    pass('2m');
    await outcome('failed', 2);
    smtp.refuseRecipients(null);
    pass('2m');
    await counts({ sent: 1 });
    expect([smtp.attempts(), smtp.received.length]).toEqual([3, 1]);
  });

  it('do not count entries without a mail', async () => {
    const app = await start({ MAIL_RECIPIENT_LIMIT: '1', MAIL_DOMAIN_LIMIT: '1', MAIL_TOTAL_LIMIT: '1' });
    for (let i = 0; i < 3; i++) await addMail(app, TO, { kind: 'nothing' });
    await counts({ dropped: 3 });
    await addMail(app, TO);
    await counts({ sent: 1 });
    expect(smtp.received).toHaveLength(1);
  });

  it.each([
    ['MAIL_DOMAIN_LIMIT', 'example.com'],
    ['MAIL_TOTAL_LIMIT', 'elsewhere.example'],
  ])('postpone what is beyond %s for the hour, and drop nothing', async (limit, domain) => {
    const app = await start({ [limit]: '3' });
    const kind = 'notice';
    for (let i = 0; i < 3; i++) await addMail(app, `user-${i}@example.com`, { kind });
    await counts({ sent: 3 });
    await addMail(app, `user-3@${domain}`, { kind });
    await outcome('postponed', 1);
    await counts({ sent: 3, pending: 1, dropped: 0 });
    if (limit === 'MAIL_DOMAIN_LIMIT') {
      await addMail(app, 'user@elsewhere.example', { kind });
      await counts({ sent: 4, pending: 1 });
    }
    pass('61m');
    await counts({ pending: 0, dropped: 0 });
    expect(smtp.received.at(-1)!.to).toBe(`user-3@${domain}`);
  });

  it.each(['MAIL_DOMAIN_LIMIT', 'MAIL_TOTAL_LIMIT'])('leave half of %s to others than registrations', async (limit) => {
    const app = await start({ [limit]: '5' });
    for (let i = 0; i < 4; i++) await addMail(app, `invented-${i}@example.com`);
    await counts({ sent: 3, pending: 1 });
    for (let i = 0; i < 2; i++) await addMail(app, `user-${i}@example.com`, { kind: 'notice' });
    await counts({ sent: 5, pending: 1 });
    await addMail(app, 'user-2@example.com', { kind: 'notice' });
    await counts({ sent: 5, pending: 2 });
    expect(smtp.received.filter(({ to }) => to.startsWith('user'))).toHaveLength(2);
  });

  it('are decided by one transaction at a time, which sees what the others counted', async () => {
    const app = await start({ MAIL_RECIPIENT_LIMIT: '1' });
    await addMail(app, TO);
    await counts({ sent: 1 });
    const database = app.app.get(Database);
    await database.write('UPDATE outbox SET budgeted_at = NULL WHERE true');
    const now = app.clock.now();
    const decideIn = (on: Statements) =>
      app.app.get(MailBudgets, { strict: false }).decide(TO, 'example.com', 'registration', now, on);
    let second: Promise<unknown> | undefined;
    const first = await database.transaction(async (transaction) => {
      const decision = await decideIn(transaction);
      second = database.transaction(decideIn);
      // On SQLite it waits for the one writer.
      if (isPostgres) await Promise.race([second, waitsForLock(database)]);
      await transaction.write(`UPDATE outbox SET budget = 'registration', budgeted_at = $1::bigint`, [now]);
      return decision;
    });
    expect([first, await second]).toEqual([{ outcome: 'granted' }, { outcome: 'dropped' }]);
  });

  it('undo what composing a dropped mail has changed: earlier tokens stay valid', async () => {
    const app = await start({ MAIL_RECIPIENT_LIMIT: '1' });
    let composed = 0;
    app.app.get(Outbox, { strict: false }).define('token', async (entry, transaction) => {
      composed++;
      await transaction.write('DELETE FROM revocations WHERE true');
      await transaction.write(`INSERT INTO revocations (subject, ver, until) VALUES ('user:${composed}', 0, 1)`);
      return verification(entry);
    });
    await addMail(app, TO, { kind: 'token' });
    await counts({ sent: 1 });
    await addMail(app, TO, { kind: 'token' });
    await counts({ sent: 1, dropped: 1 });
    expect(composed).toBe(2);
    const tokens = await app.app.get(Database).read('SELECT subject FROM revocations');
    expect(tokens).toEqual([{ subject: 'user:1' }]);
  });
});
