import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTestApp, TEST_SECRET, type TestApp } from '../support/app/app.js';
import { addMail, defineKinds, entriesOf, statesOf } from '../support/mail/kinds.js';
import { smtpEnv, startSmtp, type TestSmtp } from '../support/mail/smtp.js';
import { runToEnd } from '../support/programs/server-process.js';

describe('npm run outbox', { timeout: 60_000 }, () => {
  let smtp: TestSmtp;
  let test: TestApp;
  beforeAll(async () => {
    smtp = await startSmtp();
    test = await createTestApp({ env: smtpEnv(smtp) });
    defineKinds(test);
  });
  afterEach(async () => {
    smtp.refuseRecipients(null);
    smtp.received.length = 0;
  });
  afterAll(async () => {
    await test.close();
    await smtp.close();
  });

  const run = (...args: string[]) =>
    runToEnd({ DATABASE_URL: test.databaseUrl, APP_SECRET: TEST_SECRET }, 'cli/outbox.js', ...args);

  async function addDead(recipient: string): Promise<string> {
    smtp.refuseRecipients({ code: 550 });
    await addMail(test, recipient, { token: `token-of-${recipient}` });
    await expect.poll(async () => (await entriesOf(test)).at(-1)!.state, { timeout: 10_000 }).toBe('dead');
    smtp.refuseRecipients(null);
    return (await entriesOf(test)).at(-1)!.id;
  }

  it('lists dead mails with masked addresses, and sends them again on request', async () => {
    const one = await addDead('ada@example.com');
    const two = await addDead('bob@example.com');
    const json = await run('list', '--json');
    expect(JSON.parse(json.output)).toEqual(
      [one, two].map((id, i) => ({
        id,
        kind: 'verify',
        state: 'dead',
        recipient: `${'ab'[i]}…@example.com`,
        attempts: 1,
        lastError: 'EENVELOPE 550 RCPT TO',
        ageSeconds: expect.any(Number),
      })),
    );
    const { code, output } = await run('list');
    expect(code).toBe(0);
    expect(output).toMatch(new RegExp(`^${one}  dead  verify  a…@example.com  1 attempts  \\d+ s old  EENVELOPE 550`));
    for (const text of [output, json.output]) expect(text).not.toMatch(/ada|bob|token/);

    expect(await run('retry', one)).toEqual({ code: 0, output: `Sent again: ${one}\n` });
    await expect.poll(() => statesOf(test), { timeout: 10_000 }).toEqual(['sent', 'dead']);
    expect(smtp.received[0]!.raw).toContain('token-of-ada');
    expect(await run('retry', one)).toEqual({ code: 1, output: `No dead mail has the id ${one}.\n` });
    expect(await run('retry', '--all-dead')).toEqual({ code: 0, output: `Sent again: ${two}\n` });
    await expect.poll(() => statesOf(test), { timeout: 10_000 }).toEqual(['sent', 'sent']);
    expect((await run('retry', '--all-dead')).output).toBe('No mail is dead.\n');
    expect((await run('list')).output).toBe('No mail waits, and none is dead.\n');
  });

  it('explains its usage for other arguments, and exits with 64', async () => {
    const { code, output } = await run('list', '--all');
    expect(code).toBe(64);
    expect(output).toMatch(/^Usage:\n {2}npm run outbox -- list/);
    expect(output).not.toMatch(/\n\s+at |Error/);
  });
});
