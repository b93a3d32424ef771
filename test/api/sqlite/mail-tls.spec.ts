import { afterEach, describe, expect, it, vi } from 'vitest';
import { parseSmtpUrl, type SmtpServer } from '../../../src/config/smtp-url.js';
import { SmtpSender } from '../../../src/mail/smtp-sender.js';
import { startSmtp, type TestSmtp } from '../../support/mail/smtp.js';

const FROM = { name: 'Latchkey', address: 'no-reply@latchkey.example' };
const MAIL = { id: '0198c0de-0000-7000-8000-000000000000', to: 'ada@example.com', subject: 'x', text: 'x', html: 'x' };

describe('mail over TLS', () => {
  let smtp: TestSmtp;
  let credentials: unknown[] = [];
  afterEach(async () => {
    vi.unstubAllEnvs();
    await smtp.close();
    credentials = [];
  });

  /** smtp-server has a self-signed certificate of its own. */
  async function start(options: Parameters<typeof startSmtp>[0] = {}): Promise<void> {
    smtp = await startSmtp({
      disabledCommands: [],
      allowInsecureAuth: true,
      onAuth: (auth, _session, done) => {
        credentials.push(auth);
        done(null, { user: 'x' });
      },
      ...options,
    });
  }

  async function send(more: Partial<SmtpServer> = {}) {
    const server = { ...parseSmtpUrl(smtp.url.replace('://', '://user:pass@'))!, ...more };
    const sender = new SmtpSender(server, FROM);
    const result = await sender.send(MAIL, new AbortController().signal);
    sender.close();
    return result;
  }

  const refused = (error: RegExp) => ({ isSent: false, isPermanent: false, error: expect.stringMatching(error) });

  it.each(['1', '0'])(
    'is not sent to a server with a self-signed certificate (NODE_TLS_REJECT_UNAUTHORIZED=%s)',
    async (value) => {
      vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', value);
      await start({ secure: true });
      expect(await send()).toEqual(refused(/self-signed|unable to verify|certificate/));
      expect([smtp.attempts(), smtp.received, credentials]).toEqual([0, [], []]);
    },
  );

  it('is not sent after STARTTLS with a self-signed certificate', async () => {
    await start();
    expect(await send({ isLoopback: false })).toEqual(refused(/self-signed|unable to verify|certificate/));
    expect([smtp.attempts(), smtp.received, credentials]).toEqual([0, [], []]);
  });

  it('is not sent, nor are credentials, where STARTTLS was stripped', async () => {
    await start({ disabledCommands: ['STARTTLS'] });
    expect(await send({ isLoopback: false })).toEqual(refused(/STARTTLS|TLS/));
    expect([smtp.attempts(), smtp.received, credentials]).toEqual([0, [], []]);
  });

  it('is sent without TLS to a server on this machine', async () => {
    await start();
    expect(await send()).toEqual({ isSent: true });
    expect(credentials).toMatchObject([{ username: 'user', password: 'pass' }]);
    expect(smtp.received.map(({ to }) => to)).toEqual(['ada@example.com']);
  });
});
