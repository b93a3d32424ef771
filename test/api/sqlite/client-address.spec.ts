import { describe, expect, it } from 'vitest';
import { createTestApp } from '../../support/app/app.js';
import { register } from '../../support/app/users.js';

describe('the address of a client', () => {
  const SPOOFED = ['forwarded', 'x-real-ip', 'x-client-ip', 'true-client-ip', 'cf-connecting-ip', 'x-forwarded'];
  const headers = (forwardedFor: string) => ({
    ...Object.fromEntries(SPOOFED.map((name) => [name, '192.0.2.66'])),
    forwarded: 'for=192.0.2.66;host=evil.example;proto=https',
    'x-forwarded-for': forwardedFor,
    'x-forwarded-host': 'evil.example',
  });

  it.each([
    ['without TRUST_PROXY: the peer', {}, '198.51.100.1, 203.0.113.9', '127.0.0.1'],
    ['of one proxy: the last', { TRUST_PROXY: '1' }, '192.0.2.66, 198.51.100.1', '198.51.100.1'],
    ['of two proxies: the last but one', { TRUST_PROXY: '2' }, '192.0.2.66, 198.51.100.1, 10.0.0.2', '198.51.100.1'],
    ['of more proxies than there are: the first', { TRUST_PROXY: '5' }, '198.51.100.1', '198.51.100.1'],
    [
      'of proxies by address',
      { TRUST_PROXY: 'loopback,10.0.0.0/8' },
      '192.0.2.66, 198.51.100.1, 10.0.0.2',
      '198.51.100.1',
    ],
    ['of an untrusted proxy: the peer', { TRUST_PROXY: '203.0.113.0/24' }, '198.51.100.1', '127.0.0.1'],
    ['with a port', { TRUST_PROXY: '1' }, '203.0.113.9:51234', '203.0.113.9'],
    ['in IPv6 with a port', { TRUST_PROXY: '1' }, '[2001:db8::1]:51234', '2001:db8::1'],
    ['as IPv4 in IPv6', { TRUST_PROXY: '1' }, '::ffff:203.0.113.9', '203.0.113.9'],
    ['in IPv6', { TRUST_PROXY: '1' }, '2001:db8::1', '2001:db8::1'],
  ])('is not spoofed by forwarding headers %s', async (_, env, forwardedFor, ip) => {
    const test = await createTestApp({ env });
    const user = { email: 'a@example.com', password: 'a long enough passphrase' };
    const { body } = await test.http.post('/auth/register', { json: user, headers: headers(forwardedFor) });
    const sessions = await test.http.get('/sessions', { token: body.access_token });
    await test.close();
    expect(sessions.body.map((session: { ip: string }) => session.ip)).toEqual([ip]);
  });

  it('stores the peer when X-Forwarded-For holds no address, and signs in', async () => {
    const test = await createTestApp({ env: { TRUST_PROXY: '1' } });
    const { email, password } = await register(test.http);
    const odd = [
      'unknown',
      '_hidden',
      '999.0.113.9',
      '[2001:db8::1',
      '<script>',
      'x'.repeat(500),
      ',',
      '%00',
      'fe80::1%' + 'e'.repeat(60),
      ' , ',
    ];
    const responses = await Promise.all(
      odd.map((value) => test.http.post('/auth/login', { json: { email, password }, headers: headers(value) })),
    );
    const listed = await test.http.get('/sessions', { token: responses[0]!.body.access_token });
    await test.close();
    expect(responses.map(({ status }) => status)).toEqual(odd.map(() => 200));
    expect(listed.status).toBe(200);
    const shown = listed.body.map((session: { ip: string }) => session.ip).sort();
    expect(shown).toEqual([...Array.from({ length: odd.length }, () => '127.0.0.1'), 'fe80::1'].sort());
  });
});
