import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { accountOf, createClient, memoryStore, type Account, type Client } from '../../client/src/index.js';
import type { LatchkeyError } from '../../client/src/index.js';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { limitedApp } from '../support/app/limits.js';
import { PASSWORD, someEmail } from '../support/app/users.js';
import { nextMail } from '../support/mail/mails.js';

const NEW_PASSWORD = 'another long passphrase';
const WRONG = 'not the password at all';

const failure = (call: Promise<unknown>) =>
  call.then(
    () => undefined,
    (error: LatchkeyError) => ({ code: error.code, limit: error.limit, retryAfter: error.retryAfter }),
  );

let test: TestApp;
let clients: Client[] = [];
let email: string;
beforeEach(() => {
  email = someEmail();
});

/** The tests of one block share an application. */
function runsOn(start: () => Promise<TestApp>): void {
  beforeAll(async () => {
    test = await start();
  });
  afterAll(async () => {
    for (const client of clients) client.close();
    clients = [];
    await test.close();
  });
}

/** A client in a browser of its own, which does not share the store. */
function open(store = memoryStore()): { client: Client; account: Account } {
  const client = createClient({ baseUrl: test.http.url, store });
  clients.push(client);
  return { client, account: accountOf(client) };
}

const profileOf = async (client: Client) => (await client.fetch('/users/me')).json();

/** `@latchkey/client` and the real server, without a browser. */
describe('the account functions of the client', () => {
  runsOn(() => createTestApp());

  it('verify the address by a code, which keeps password and session', async () => {
    const { client, account } = open();
    const session = await account.register({ email, password: PASSWORD });
    expect(await profileOf(client)).toMatchObject({ email, emailVerified: false });
    await account.requestVerification();
    const { code } = await nextMail(test.http, email, 'verify-email');
    expect(await failure(open().account.verifyEmail({ code }))).toMatchObject({ code: 'code_verifier_missing' });
    await account.verifyEmail({ code });
    expect(await profileOf(client)).toMatchObject({ emailVerified: true });
    expect(await client.session()).toEqual(session);
  });

  it('verify the address by a link, which keeps the session of the user who opens it', async () => {
    const { client, account } = open();
    await account.register({ email, password: PASSWORD });
    await account.requestVerification();
    const { token } = await nextMail(test.http, email, 'verify-email');
    // Longer than an access token lives.
    test.clock.move('16m');
    await account.verifyEmail({ token });
    expect(await profileOf(client)).toMatchObject({ emailVerified: true });
    expect(await failure(account.verifyEmail({ token }))).toMatchObject({ code: 'one_time_token_invalid' });
  });

  it.each(['token', 'code'] as const)('set a new password by a %s, which revokes the sessions', async (kind) => {
    const { client, account } = open();
    await account.register({ email, password: PASSWORD });
    await account.forgotPassword(email);
    const mail = await nextMail(test.http, email, 'reset-password');
    const proof = kind === 'code' ? { code: mail.code } : { token: mail.token };
    expect(await failure(account.resetPassword(proof, 'short'))).toMatchObject({ code: 'password_rejected' });
    await account.resetPassword(proof, NEW_PASSWORD);
    expect((await client.fetch('/users/me')).status).toBe(401);
    expect(await client.session()).toBeNull();
    expect(await failure(client.login({ email, password: PASSWORD }))).toMatchObject({ code: 'invalid_credentials' });
    await client.login({ email, password: NEW_PASSWORD });
  });

  it('mail nothing for an address without an account, and do not tell', async () => {
    expect(await failure(open().account.forgotPassword(email))).toBeUndefined();
  });

  it('change the address by a code, and undo the change by the link to the old one', async () => {
    const { client, account } = open();
    await account.register({ email, password: PASSWORD });
    const newEmail = someEmail();
    await account.changeEmail({ newEmail, password: PASSWORD });
    const { code } = await nextMail(test.http, newEmail, 'confirm-email-change');
    await account.confirmEmail({ code });
    expect(await profileOf(client)).toMatchObject({ email: newEmail, emailVerified: true });
    const { token } = await nextMail(test.http, email, 'email-changed');
    await account.undoEmailChange(token);
    expect((await client.fetch('/users/me')).status).toBe(401);
    await client.login({ email, password: PASSWORD });
    expect(await profileOf(client)).toMatchObject({ email });
  });

  it('authenticate again in the same session, where the server asks for it', async () => {
    const { client, account } = open();
    const session = await account.register({ email, password: PASSWORD });
    test.clock.move('11m');
    expect(await failure(account.exportAccount())).toMatchObject({ code: 'reauthentication_required' });
    expect(await failure(account.reauthenticate(WRONG))).toMatchObject({ code: 'current_password_wrong' });
    await account.reauthenticate(PASSWORD);
    expect(await account.exportAccount()).toMatchObject({ profile: { email } });
    const { items } = await account.securityEvents();
    expect(items.map(({ type }) => type)).toEqual(['reauthenticated', 'sign_in', 'registered']);
    await test.flush();
    test.clock.move('16m');
    expect(await client.session()).toEqual(session);
    expect(await profileOf(client)).toMatchObject({ email });
  });

  it('delete the account and the session', async () => {
    const { client, account } = open();
    await account.register({ email, password: PASSWORD });
    expect(await failure(account.deleteAccount(WRONG))).toMatchObject({ code: 'current_password_wrong' });
    await account.deleteAccount(PASSWORD);
    expect(await client.session()).toBeNull();
    expect(await failure(client.login({ email, password: PASSWORD }))).toMatchObject({ code: 'invalid_credentials' });
  });

  it('page through the security events', async () => {
    const { client, account } = open();
    await account.register({ email, password: PASSWORD });
    for (let times = 0; times < 21; times += 1) await client.login({ email, password: PASSWORD });
    const first = await account.securityEvents();
    const second = await account.securityEvents(first.next!);
    expect([first.items.length, second.items.length, second.next]).toEqual([20, 3, null]);
  });
});

describe('a registration by the client where addresses are verified first', () => {
  runsOn(() => createTestApp({ env: { EMAIL_VERIFICATION: 'required' } }));

  it.each(['token', 'code'] as const)('makes the account by a %s, and signs nobody in', async (kind) => {
    const { client, account } = open();
    expect(await account.register({ email, password: PASSWORD })).toBeNull();
    const mail = await nextMail(test.http, email, 'verify-email');
    expect(await failure(client.login({ email, password: PASSWORD }))).toMatchObject({ code: 'invalid_credentials' });
    await account.verifyEmail(kind === 'code' ? { code: mail.code } : { token: mail.token });
    expect(await client.session()).toBeNull();
    await client.login({ email, password: PASSWORD });
    expect(await profileOf(client)).toMatchObject({ email, emailVerified: true });
  });

  it('accepts the code of either mail when the user asked twice', async () => {
    const { client, account } = open();
    for (let times = 0; times < 2; times += 1) await account.register({ email, password: PASSWORD });
    const first = await nextMail(test.http, email, 'verify-email');
    await account.verifyEmail({ code: first.code });
    expect(await client.login({ email, password: PASSWORD })).toMatchObject({ id: expect.any(String) });
  });
});

describe('limits that the client meets', () => {
  runsOn(() => limitedApp({ RATE_LIMIT_OVERRIDES: 'refresh-session=1/1m' }));

  async function guessAt(who: string, times: number): Promise<void> {
    const { client } = open();
    for (let time = 0; time < times; time += 1) await failure(client.login({ email: who, password: WRONG }));
  }

  it('are named, with the seconds to wait', async () => {
    test.clock.standStill(Date.now());
    await guessAt(email, 5);
    const error = await failure(open().client.login({ email, password: WRONG }));
    expect(error).toEqual({ code: 'rate_limited', limit: 'password-account', retryAfter: 1 });
  });

  it('do not delay a browser that signed in before, whatever strangers guess', async () => {
    const { client, account } = open();
    await account.register({ email, password: PASSWORD });
    await client.logout();
    await guessAt(email, 5);
    const stranger = await failure(open().client.login({ email, password: PASSWORD }));
    expect(stranger).toMatchObject({ code: 'rate_limited' });
    expect(await client.login({ email, password: PASSWORD })).toMatchObject({ id: expect.any(String) });
  });

  it('of refreshes keep the session', async () => {
    const store = memoryStore();
    const session = await open(store).client.login(await newAccount());
    const tab = () => open(store).client;
    expect((await tab().fetch('/users/me')).status).toBe(200);
    const limited = tab();
    const error = await failure(limited.fetch('/users/me'));
    expect(error).toMatchObject({ code: 'rate_limited', limit: 'refresh-session', retryAfter: expect.any(Number) });
    expect(await limited.session()).toEqual(session);
    test.clock.move('61s');
    expect((await tab().fetch('/users/me')).status).toBe(200);
  });

  async function newAccount() {
    const account = { email, password: PASSWORD };
    await open().account.register(account);
    return account;
  }
});
