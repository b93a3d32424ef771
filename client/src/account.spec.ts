import { createHash, webcrypto } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { accountOf } from './account.js';
import { FakeBrowser } from './testing/fake-browser.js';
import { refusal } from './testing/fake-server.js';
import { failure, LATER, later, MINUTE, REFRESH, signedIn } from './testing/signed-in.js';

const TOKEN = 't'.repeat(43);
const challengeOf = (verifier: string) => createHash('sha256').update(verifier).digest('base64url');

beforeEach(() => {
  // The simulated time does not wait for the threads of WebCrypto.
  const digest = async (_: string, bytes: Uint8Array) => createHash('sha256').update(bytes).digest();
  vi.stubGlobal('crypto', { getRandomValues: webcrypto.getRandomValues.bind(webcrypto), subtle: { digest } });
  vi.stubGlobal('sessionStorage', undefined);
});
afterEach(() => vi.unstubAllGlobals());

async function withAccount(options: Parameters<typeof signedIn>[0] = {}) {
  const fixture = await signedIn(options);
  const { server, tab } = fixture;
  return { ...fixture, account: accountOf(tab.client), last: () => server.calls.at(-1)! };
}

function signedOut() {
  const browser = new FakeBrowser();
  const { world, server } = browser;
  return { world, server, account: accountOf(browser.openTab().client), last: () => server.calls.at(-1)! };
}

describe('a code of a mail', () => {
  it('is bound to the tab that asked: registration', async () => {
    const { world, account, last } = signedOut();
    const who = { email: 'grace', password: 'to be verified' };
    expect(await world.until(account.register(who))).toBeNull();
    const { codeChallenge } = last().body!;
    await world.until(account.verifyEmail({ code: '123456' }));
    expect(last()).toMatchObject({ route: 'POST /auth/email/verify', token: null, body: { code: '123456' } });
    expect(challengeOf(last().body!['codeVerifier']!)).toBe(codeChallenge);
  });

  it('is bound to the tab that asked: a forgotten password', async () => {
    const { world, account, last } = signedOut();
    await world.until(account.forgotPassword('grace'));
    const { email, codeChallenge } = last().body!;
    await world.until(account.resetPassword({ code: '123456' }, 'better'));
    const { codeVerifier = '', ...rest } = last().body!;
    expect([email, rest]).toEqual(['grace', { code: '123456', newPassword: 'better' }]);
    expect(challengeOf(codeVerifier)).toBe(codeChallenge);
  });

  it('is bound to the tab that asked: a verification and a change of address', async () => {
    const { world, account, last } = await withAccount();
    await world.until(account.requestVerification());
    const first = last().body!['codeChallenge'];
    await world.until(account.changeEmail({ newEmail: 'hopper', password: 'good' }));
    const { codeChallenge, ...rest } = last().body!;
    expect(rest).toEqual({ newEmail: 'hopper', password: 'good' });
    expect(codeChallenge).not.toBe(first);
    await world.until(account.confirmEmail({ code: '123456' }));
    expect(challengeOf(last().body!['codeVerifier']!)).toBe(codeChallenge);
    await world.until(account.verifyEmail({ code: '654321' }));
    expect(challengeOf(last().body!['codeVerifier']!)).toBe(first);
  });

  it('is refused without a request in a tab that did not ask, and after its use', async () => {
    const { world, server, account } = signedOut();
    const code = { code: '123456' };
    expect(await failure(account.verifyEmail(code))).toMatchObject({ status: 0, code: 'code_verifier_missing' });
    await world.until(account.forgotPassword('grace'));
    await world.until(account.resetPassword(code, 'better'));
    expect(await failure(account.resetPassword(code, 'better'))).toMatchObject({ code: 'code_verifier_missing' });
    expect(server.calls).toHaveLength(2);
  });

  it('can be entered again after a wrong one, and after a rejected password', async () => {
    const { world, server, account, last } = signedOut();
    await world.until(account.forgotPassword('grace'));
    server.instead = () => refusal(400, 'one_time_token_invalid');
    const error = await failure(world.until(account.resetPassword({ code: '000000' }, 'better')));
    expect(error).toMatchObject({ code: 'one_time_token_invalid' });
    server.instead = undefined;
    await world.until(account.resetPassword({ code: '123456' }, 'better'));
    expect(last().body).toMatchObject({ code: '123456', codeVerifier: expect.any(String) });
  });

  it('is not asked for where the browser has no WebCrypto', async () => {
    vi.stubGlobal('crypto', {});
    const { world, account, last } = signedOut();
    await world.until(account.forgotPassword('grace'));
    expect(last().body).toEqual({ email: 'grace' });
  });
});

describe('the link of a mail', () => {
  it('is redeemed by its token alone', async () => {
    const { world, server, account } = signedOut();
    await world.until(account.verifyEmail({ token: TOKEN }));
    await world.until(account.resetPassword({ token: TOKEN }, 'better'));
    await world.until(account.confirmEmail({ token: TOKEN }));
    await world.until(account.undoEmailChange(TOKEN));
    expect(server.calls.map(({ route, body }) => [route, body])).toEqual([
      ['POST /auth/email/verify', { token: TOKEN }],
      ['POST /auth/password/reset', { token: TOKEN, newPassword: 'better' }],
      ['POST /auth/email/change/confirm', { token: TOKEN }],
      ['POST /auth/email/change/undo', { token: TOKEN }],
    ]);
  });

  it('verifies with a valid access token, so that password and sessions are kept', async () => {
    const { browser, world, account, last, server } = await withAccount();
    // The monotonic clock of the client stands still while the device sleeps: its token seems to be valid.
    browser.sleep(LATER);
    await world.until(account.verifyEmail({ token: TOKEN }));
    expect([server.count(REFRESH), last().route]).toEqual([1, 'POST /auth/email/verify']);
    const { exp } = JSON.parse(atob(last().token!.split('.')[1]!)) as { exp: number };
    expect(exp * 1000).toBeGreaterThan(world.now);
  });

  it('is not redeemed when the access token cannot be renewed', async () => {
    const { browser, world, account, server } = await withAccount();
    await world.pass(LATER);
    browser.network = () => ({ there: 0, back: 0, refused: true });
    expect(await failure(world.until(account.verifyEmail({ token: TOKEN })))).toBeInstanceOf(TypeError);
    expect(server.count('POST /auth/email/verify')).toBe(0);
  });
});

describe('a second authentication', () => {
  it.each(['body', 'cookie'] as const)('continues the session, and is no change for any tab: %s', async (delivery) => {
    const { world, tab, other, session, account, last } = await withAccount({ delivery, tabs: 2 });
    await world.pass(11 * MINUTE);
    const error = await failure(world.until(account.exportAccount()));
    expect(error).toMatchObject({ code: 'reauthentication_required', status: 403, terminal: false });
    await world.until(account.reauthenticate('good'));
    expect(await world.until(account.exportAccount())).toMatchObject({ userId: 'grace' });
    await world.pass(10);
    // The other tab has the new token too.
    expect(await world.until(accountOf(other.client).exportAccount())).toMatchObject({ userId: 'grace' });
    expect(last().route).toBe('GET /users/me/export');
    expect([tab.changes, other.changes, await world.until(tab.client.session())]).toEqual([[], [], session]);
    await world.pass(LATER);
    expect((await world.until(tab.client.fetch('/me'))).status).toBe(200);
  });

  it('does not store an older refresh token than a refresh at the same time', async () => {
    const { browser, world, server, tab, session, account } = await withAccount({ locks: false });
    await world.until(tab.client.fetch('/me'));
    await world.pass(13 * MINUTE);
    browser.network = (route) => (route === REFRESH ? { there: 20, back: 5 } : { there: 5, back: 200 });
    // A background refresh rotates the token after the server authenticated the user, and its response comes first.
    const call = account.reauthenticate('good');
    await world.until(call);
    browser.network = () => later(5);
    expect([server.count(REFRESH), server.generationOf(session.id)]).toEqual([1, 2]);
    expect(JSON.parse(atob(browser.stored!.split('.')[1]!))).toMatchObject({ gen: 2 });
    expect(await world.until(account.exportAccount())).toMatchObject({ userId: 'grace' });
    await world.pass(LATER);
    expect((await world.until(tab.client.fetch('/me'))).status).toBe(200);
    expect(server.terminal).toBe(0);
  });

  it('counts when a refresh of the same second responds first', async () => {
    const { browser, world, server, tab, account } = await withAccount({ locks: false });
    await world.pass(14 * MINUTE - (world.now % 1000));
    browser.network = (route) => (route === REFRESH ? { there: 5, back: 5 } : { there: 10, back: 20 });
    // The token is due for a refresh in the background, which the server handles before the authentication.
    await Promise.all([world.until(account.reauthenticate('good')), world.until(tab.client.fetch('/me'))]);
    await world.pass(100);
    browser.network = () => later(5);
    expect(server.count(REFRESH)).toBe(1);
    expect(await world.until(account.exportAccount())).toMatchObject({ userId: 'grace' });
  });

  it('with a wrong password changes nothing', async () => {
    const { browser, world, tab, account } = await withAccount();
    const before = browser.stored;
    const error = await failure(world.until(account.reauthenticate('wrong')));
    expect(error).toMatchObject({ code: 'current_password_wrong' });
    expect([browser.stored, tab.changes]).toEqual([before, []]);
  });

  it('rejects when the user signs out meanwhile', async () => {
    const { browser, world, other, account } = await withAccount({ tabs: 2 });
    browser.network = (route) => (route === 'POST /auth/reauthenticate' ? { there: 5, back: 500 } : later(5));
    const call = failure(account.reauthenticate('good'));
    await world.pass(50);
    await world.until(other.client.logout());
    expect(await world.until(call)).toMatchObject({ code: 'user_changed' });
    expect(browser.stored).toBeNull();
  });
});

describe('a deletion of the account', () => {
  it.each(['body', 'cookie'] as const)('signs out in all tabs, as a logout does: %s', async (delivery) => {
    const { browser, world, server, tab, other, account } = await withAccount({ delivery, tabs: 2 });
    browser.network = (route) => (route === 'POST /users/me/deletion' ? { there: 5, back: 400 } : later(5));
    const call = account.deleteAccount('good');
    // The server refuses this call already. Its refresh waits, and does not report a revoked session.
    await world.pass(50);
    const meanwhile = failure(other.client.fetch('/me'));
    await world.until(call);
    await world.until(meanwhile);
    await world.pass(200);
    const signedOut = [{ session: null, type: 'signed_out' }];
    expect([tab.changes, other.changes, browser.stored]).toEqual([signedOut, signedOut, null]);
    expect([browser.cookies.size, server.activeSessions()]).toEqual([0, []]);
  });

  it.each([
    ['current_password_wrong', 'wrong', 0],
    ['reauthentication_required', 'good', 11 * MINUTE],
  ])('that is refused keeps the session: %s', async (code, password, age) => {
    const { world, tab, session, account } = await withAccount();
    await world.pass(age);
    expect(await failure(world.until(account.deleteAccount(password)))).toMatchObject({ code });
    expect([await world.until(tab.client.session()), tab.changes]).toEqual([session, []]);
  });
});

describe('account routes without a user', () => {
  it('reject with a code', async () => {
    const { world, account } = signedOut();
    expect(await failure(world.until(account.exportAccount()))).toMatchObject({ code: 'access_token_missing' });
    expect(await failure(world.until(account.deleteAccount('good')))).toMatchObject({ code: 'user_changed' });
  });

  it('follow the pages of security events', async () => {
    const { world, account, server } = await withAccount();
    await world.until(account.securityEvents());
    await world.until(account.securityEvents('cursor'));
    expect(server.count('GET /users/me/security-events')).toBe(2);
  });
});
