import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestApp, type TestApp } from '../../support/app/app.js';
import { expectProblem } from '../../support/http/problems.js';
import { addMail, defineKinds } from '../../support/mail/kinds.js';
import { mailsAt, mailsOf, nextMail } from '../../support/mail/mails.js';

const PATHS = ['/dev/mail', '/dev/mail.json', '/dev/mail/0198c0de-0000-7000-8000-000000000000'];

describe('GET /dev/mail', () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await createTestApp();
    defineKinds(test);
  });
  afterAll(() => test.close());

  it('shows the mails that were not sent, newest first, as a page and as JSON', async () => {
    await addMail(test, 'ada@example.com', { token: 'tok-1' });
    const first = await nextMail(test.http, 'ada@example.com', 'verify-email');
    expect(first).toMatchObject({
      subject: 'Confirm your e-mail address',
      link: 'https://app.example.com/auth#verify-email=tok-1',
      token: 'tok-1',
      code: '123456',
    });
    await addMail(test, 'bob@example.com', { kind: 'notice' });
    await nextMail(test.http, 'bob@example.com', 'account-deleted');
    expect((await mailsAt(test.http)).map(({ to }) => to)).toEqual(['bob@example.com', 'ada@example.com']);
    expect(await mailsOf(test.app)).toEqual(await mailsAt(test.http));

    const { status, body, headers } = await test.http.get<string>('/dev/mail');
    expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(body).toMatch(new RegExp(`bob@example.com[^]*href="/dev/mail/${first.id}">Confirm your e-mail address`));
    const { body: json } = await test.http.get<object[]>('/dev/mail.json');
    expect(Object.keys(json[0]!)).toEqual(['id', 'to', 'subject', 'text', 'html', 'createdAt']);
    const { body: page } = await test.http.get<string>(`/dev/mail/${first.id}`);
    expect(page).toContain(`<a href="${first.link}" target="_blank">`);
  });

  it('shows hostile mail as text, in a sandbox, under a policy without scripts', async () => {
    const name = '</iframe><script>alert(1)</script>" onload="alert(1)';
    await addMail(test, '"<script>"@example.com', { name });
    const { id } = await nextMail(test.http, '"<script>"@example.com');
    for (const path of ['/dev/mail', `/dev/mail/${id}`]) {
      const { body, headers } = await test.http.get<string>(path);
      expect(body).not.toMatch(/<script|<\/iframe><|" onload/i);
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('content-security-policy')).toBe(
        "default-src 'none';style-src 'unsafe-inline';frame-ancestors 'none';base-uri 'none';form-action 'none'",
      );
    }
    const { body } = await test.http.get<string>(`/dev/mail/${id}`);
    const [, sandbox, framed] = /<iframe title="HTML" sandbox="([^"]*)" srcdoc="([^"]*)"><\/iframe>/.exec(body) ?? [];
    expect(sandbox).toBe('allow-popups allow-popups-to-escape-sandbox');
    expect(framed).toContain('&lt;base target=&quot;_blank&quot; /&gt;');
  });

  it('keeps the last 100', async () => {
    const addresses = Array.from({ length: 103 }, (_, i) => `user-${i}@example.com`);
    for (const to of addresses) await addMail(test, to);
    await nextMail(test.http, addresses.at(-1)!);
    const mails = await mailsAt(test.http);
    expect(mails).toHaveLength(100);
    expect(mails.map(({ to }) => to)).toEqual(addresses.slice(3).toReversed());
  });

  it.each(['nonsense', '0198c0de-0000-7000-8000-000000000000', '%2e%2e', "' OR 1=1"])(
    'is 404 for an unknown id: %s',
    async (id) => {
      expectProblem(await test.http.get(`/dev/mail/${encodeURIComponent(id)}`), 404, 'not_found');
    },
  );
});

describe('GET /dev/mail elsewhere', () => {
  it.each<[string, Record<string, string>]>([
    ['in production', { NODE_ENV: 'production', BCRYPT_COST: '10', ISSUER: 'https://auth.example.com' }],
    ['with SMTP_URL', { SMTP_URL: 'smtp://127.0.0.1:9', MAIL_FROM: 'a@example.com' }],
  ])('does not exist %s', async (_, env) => {
    const test = await createTestApp({ env });
    for (const path of PATHS) expectProblem(await test.http.get(path), 404, 'not_found');
    await test.close();
  });
});
