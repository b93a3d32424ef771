import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Database } from '../../src/database/database.js';
import { Outbox } from '../../src/mail/outbox.js';
import { PurgeService } from '../../src/sessions/purge.service.js';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { countedDuring, scrapeMetrics } from '../support/app/scrape-metrics.js';
import { isPostgres } from '../support/database/database.js';
import { dump } from '../support/database/sql.js';
import { addMail, defineKinds, entriesOf, statesOf, verification } from '../support/mail/kinds.js';
import { smtpEnv, startSmtp, type TestSmtp } from '../support/mail/smtp.js';

const TO = 'ada@example.com';
/** Beyond any back-off. */
const LATER = '2h';

describe('the outbox', () => {
  let smtp: TestSmtp;
  let test: TestApp;
  beforeEach(async () => {
    smtp = await startSmtp();
    test = await createTestApp({ env: smtpEnv(smtp) });
    defineKinds(test);
  });
  afterEach(async () => {
    await test.close();
    await smtp.close();
  });

  const outbox = () => test.app.get(Outbox, { strict: false });
  /** What is due then is sent now, not at the next poll. */
  const pass = (time: string) => {
    test.clock.move(time);
    outbox().wake();
  };
  const received = async (count: number) => {
    await expect.poll(() => smtp.received.length, { timeout: 10_000 }).toBe(count);
  };
  /** Waits until a metric of the outbox has a value. */
  const metric = async (name: string, value: number) => {
    await expect.poll(async () => (await scrapeMetrics(test.http)).series[name], { timeout: 10_000 }).toBe(value);
  };
  const counts = (outcome: string, value: number) => metric(`latchkey_mails_total{outcome="${outcome}"}`, value);
  const states = async (expected: string[]) => {
    await expect.poll(() => statesOf(test), { timeout: 10_000 }).toEqual(expected);
  };

  it('sends a mail of text and HTML, in the language of the reader, and marks it', async () => {
    await addMail(test, TO, { name: 'Ada', token: 'tok-1', locale: 'de-AT' });
    await states(['sent']);
    const { id } = (await entriesOf(test))[0]!;
    const [{ to, from, messageId, parsed }] = smtp.received as [TestSmtp['received'][0]];
    expect({ to, from, messageId }).toEqual({
      to: TO,
      from: 'no-reply@latchkey.example',
      messageId: `<${id}@latchkey.example>`,
    });
    expect(parsed).toMatchObject({
      from: { name: 'Latchkey', address: 'no-reply@latchkey.example' },
      to: [{ name: '', address: TO }],
      subject: 'Bestätigen Sie Ihre E-Mail-Adresse',
    });
    expect(parsed.headers).toContainEqual(expect.objectContaining({ key: 'auto-submitted', value: 'auto-generated' }));
    for (const part of [parsed.text, parsed.html]) {
      expect(part).toContain('https://app.example.com/auth#verify-email=tok-1');
      expect(part).toContain('Guten Tag Ada,');
      expect(part).toContain('123456');
    }
    expect(parsed.html).toContain('<html lang="de">');
  });

  it('has the entry if and only if the transaction commits', async () => {
    const mail = { kind: 'verify', recipient: TO, payload: { token: 'x' } };
    const database = test.app.get(Database);
    const rolledBack = database.transaction(async (transaction) => {
      await outbox().add({ ...mail, event: 'rolled back' }, transaction);
      throw new Error('no');
    });
    await expect(rolledBack).rejects.toThrow('no');
    await database.transaction((transaction) => outbox().add({ ...mail, event: 'committed' }, transaction));
    await states(['sent']);
    expect(smtp.received).toHaveLength(1);
  });

  it('has at most one entry for an event: 20 parallel adds send one mail', async () => {
    await Promise.all(Array.from({ length: 20 }, () => addMail(test, TO, { event: 'the one event' })));
    await addMail(test, TO, { event: 'the one event', kind: 'notice' });
    await states(['sent', 'sent']);
    expect(smtp.received.map(({ parsed }) => parsed.subject)).toHaveLength(2);
  });

  it('keeps the payload encrypted, and erases it once the mail is sent', async () => {
    const secret = 'canary-token-of-the-outbox';
    smtp.refuseRecipients({ code: 450 });
    await addMail(test, TO, { token: secret });
    await expect.poll(() => smtp.attempts(), { timeout: 10_000 }).toBe(1);
    expect(await everything()).not.toContain(secret);
    expect((await entriesOf(test))[0]!.payload).toMatch(/^1\./);
    smtp.refuseRecipients(null);
    pass(LATER);
    await states(['sent']);
    expect(smtp.received[0]!.raw).toContain(secret);
    expect(await everything()).not.toContain(secret);
    expect((await entriesOf(test))[0]!.payload).toBeNull();
  });

  /** All rows; on SQLite also the bytes of the files. */
  async function everything(): Promise<string> {
    const rows = await dump(test.databaseUrl);
    if (isPostgres) return rows;
    const file = test.databaseUrl.replace('sqlite:', '');
    expect(dirname(file)).toContain('latchkey');
    return rows + readFileSync(file, 'latin1') + readFileSync(`${file}-wal`, 'latin1');
  }

  it('opens no payload that was moved from another row', async () => {
    smtp.refuseRecipients({ code: 450 });
    await addMail(test, TO, { token: 'one' });
    await addMail(test, 'mallory@example.com', { token: 'two' });
    await expect.poll(() => smtp.attempts(), { timeout: 10_000 }).toBe(2);
    const [one, two] = await entriesOf(test);
    await test.app.get(Database).write('UPDATE outbox SET payload = $1 WHERE id = $2::uuid', [one!.payload, two!.id]);
    smtp.refuseRecipients(null);
    pass(LATER);
    await received(1);
    await expect
      .poll(async () => (await entriesOf(test)).map(({ last_error }) => last_error), { timeout: 10_000 })
      .toEqual([null, 'compose: Error']);
  });

  it('sends nothing where composing it finds nothing to send, and is done', async () => {
    const finding = async () => {
      await addMail(test, TO, { kind: 'nothing' });
      await states(['dropped']);
    };
    const counted = await countedDuring(test.http, finding, { withMails: true });
    expect(counted).toEqual({ 'latchkey_mails_total{outcome="skipped"}': 1 });
    expect((await entriesOf(test))[0]!.payload).toBeNull();
    expect(smtp.attempts()).toBe(0);
  });

  it('composes again in a transaction of its own after a failure', async () => {
    const run: number[] = [];
    outbox().define('fragile', async (entry, transaction) => {
      const [row] = await transaction.read<{ n: number }>('SELECT count(*) AS n FROM revocations');
      run.push(row!.n);
      await transaction.write(`INSERT INTO revocations (subject, ver, until) VALUES ('user:${run.length}', 0, 1)`);
      if (run.length === 1) throw new Error('a bug');
      return verification(entry);
    });
    await addMail(test, TO, { kind: 'fragile' });
    await expect.poll(async () => (await entriesOf(test))[0]!.last_error, { timeout: 10_000 }).toBe('compose: Error');
    pass(LATER);
    await states(['sent']);
    expect(run).toEqual([0, 0]);
  });

  it('retries after a refusing server, with the same Message-ID', async () => {
    const ids = smtp.messageIds;
    smtp.refuseMessages({ code: 451 });
    await addMail(test, TO);
    await expect
      .poll(async () => (await entriesOf(test))[0]!.last_error, { timeout: 10_000 })
      .toMatch(/^EMESSAGE 451 .*DATA$/);
    await counts('failed', 1);
    const { next_attempt_at: next } = (await entriesOf(test))[0]!;
    expect(next - test.clock.now()).toBeGreaterThan(0);
    expect(next - test.clock.now()).toBeLessThanOrEqual(10_000);
    pass(LATER);
    await counts('failed', 2);
    smtp.refuseMessages(null);
    pass(LATER);
    await states(['sent']);
    expect(new Set(ids).size).toBe(1);
    expect([ids.length, smtp.received.length]).toEqual([3, 1]);
    expect((await entriesOf(test))[0]).toMatchObject({ attempts: 3, last_error: null });
  });

  it('retries where there is no server, for a day; then the entry is dead', async () => {
    await smtp.close();
    await addMail(test, TO);
    await expect.poll(async () => (await entriesOf(test))[0]!.last_error, { timeout: 10_000 }).toMatch(/ECONNREFUSED/);
    await counts('failed', 1);
    pass('23h');
    await counts('failed', 2);
    expect(await statesOf(test)).toEqual(['pending']);
    pass(LATER);
    await states(['dead']);
    expect((await entriesOf(test))[0]!.payload).not.toBeNull();
  });

  it.each([
    ['recipient', (code: number) => smtp.refuseRecipients({ code, text: `5.1.1 <${TO}> is unknown` })],
    ['message', (code: number) => smtp.refuseMessages({ code, text: `5.7.1 ${TO} is spam` })],
  ])('gives up at once when the server refuses the %s with 5xx; no address is kept', async (_, refuse) => {
    refuse(550);
    await addMail(test, TO);
    await states(['dead']);
    expect(smtp.attempts()).toBe(1);
    expect((await entriesOf(test))[0]!.last_error).toMatch(/^E\w+ 550 5\.\d\.\d (RCPT TO|DATA)$/);
    await counts('dead', 1);
    await metric('latchkey_outbox_dead', 1);
    await metric('latchkey_outbox_waiting', 0);
  });

  it('counts what waits, and the age of the oldest', async () => {
    smtp.refuseRecipients({ code: 450 });
    await addMail(test, TO);
    await addMail(test, TO);
    await metric('latchkey_outbox_waiting', 2);
    test.clock.move('10m');
    const { series } = await scrapeMetrics(test.http);
    expect(series['latchkey_outbox_oldest_seconds']).toBeGreaterThanOrEqual(600);
  });

  it.each([
    ['CR and LF in the address', 'ada@example.com\r\nBcc: evil@example.com'],
    ['LF in the local part', 'ada\n@example.com'],
    ['NUL in the address', 'ada\0@example.com'],
    ['a second address', 'ada@example.com, evil@example.com'],
    ['SMTP commands in the address', 'ada@example.com>\r\nRCPT TO:<evil@example.com'],
    ['a group', 'all: ada@example.com, evil@example.com;'],
  ])('sends nothing to another recipient for %s (SMTP injection)', async (_, recipient) => {
    await addMail(test, isPostgres ? recipient.replace('\0', '\x01') : recipient);
    await expect.poll(() => statesOf(test), { timeout: 10_000 }).not.toEqual(['pending']);
    for (const { to, raw } of smtp.received) {
      expect(to).not.toMatch(/^evil|,\s*evil/);
      expect(raw).not.toMatch(/^(bcc|rcpt)/im);
    }
    expect(smtp.received.flatMap(({ to }) => to.split(','))).not.toContain('evil@example.com');
  });

  it('sends no further headers for a hostile name (header and HTML injection)', async () => {
    const name = '"><script>alert(1)</script>\r\nBcc: evil\r\n\r\n.\r\nMAIL FROM:<a>\u202e\u2066';
    await addMail(test, TO, { name });
    await states(['sent']);
    const [{ to, raw, parsed }] = smtp.received as [TestSmtp['received'][0]];
    expect([smtp.received.length, to, parsed.bcc, parsed.to?.length]).toEqual([1, TO, undefined, 1]);
    expect(raw).not.toMatch(/^Bcc/im);
    expect(parsed.html).not.toContain('<script>');
    expect(parsed.html).toContain('&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(parsed.text).not.toMatch(/[\u202e\u2066]/);
  });

  it('forgets sent and dropped entries after 7 days, dead ones after 30', async () => {
    await addMail(test, TO);
    await addMail(test, TO, { kind: 'nothing' });
    await states(['sent', 'dropped']);
    smtp.refuseRecipients({ code: 550 });
    await addMail(test, TO);
    await states(['sent', 'dropped', 'dead']);
    const purge = () => test.app.get(PurgeService, { strict: false }).run();
    test.clock.move('6d');
    await purge();
    expect(await statesOf(test)).toHaveLength(3);
    test.clock.move('25h');
    await purge();
    expect(await statesOf(test)).toEqual(['dead']);
    test.clock.move('23d');
    await purge();
    expect(await statesOf(test)).toEqual([]);
  });

  it('refuses kinds that no feature has defined, and a second definition', async () => {
    await expect(addMail(test, TO, { kind: 'unknown' })).rejects.toThrow('no kind of mail unknown');
    expect(() => outbox().define('verify', async () => null)).toThrow('defined twice');
  });
});

describe('the outbox of production without SMTP_URL', () => {
  it('stores nothing, and says that it is not available', async () => {
    const env = { NODE_ENV: 'production', BCRYPT_COST: '10', ISSUER: 'https://auth.example.com' };
    const test = await createTestApp({ env });
    defineKinds(test);
    expect(test.app.get(Outbox, { strict: false }).isAvailable).toBe(false);
    await addMail(test, TO);
    expect(await entriesOf(test)).toEqual([]);
    await test.close();
  });
});
