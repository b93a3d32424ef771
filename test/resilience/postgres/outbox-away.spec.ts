import { afterAll, beforeAll, expect, it } from 'vitest';
import { ownPostgres, type OwnPostgres } from '../../support/database/own-postgres.js';
import { addNotices, startMailServer } from '../../support/mail/mail-processes.js';
import { smtpEnv, startSmtp, type TestSmtp } from '../../support/mail/smtp.js';
import type { Program } from '../../support/programs/programs.js';

let postgres: OwnPostgres;
let smtp: TestSmtp;
let server: Program;
beforeAll(async () => {
  postgres = await ownPostgres();
  smtp = await startSmtp();
  server = await startMailServer({ DATABASE_URL: postgres.url, ...smtpEnv(smtp) });
});
afterAll(async () => {
  await server.end('SIGKILL');
  await smtp.close();
  await postgres.destroy();
});

it('pauses while PostgreSQL is away, logs it once, and continues', { timeout: 60_000 }, async () => {
  await postgres.stop();
  await server.prints(/The outbox pauses/);
  // Two more polls of the feed's listener, which logs too, are later than two polls of the outbox.
  await new Promise((resolve) => setTimeout(resolve, 3000));
  await postgres.start();
  await server.prints(/The outbox continues/);
  expect(server.output().match(/The outbox pauses/g)).toHaveLength(1);
  await addNotices(postgres.url, smtp, ['ada@example.com']);
  await expect.poll(() => smtp.received.length, { timeout: 10_000 }).toBe(1);
});
