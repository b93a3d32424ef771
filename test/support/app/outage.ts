import { expect } from 'vitest';
import type { TestApp } from './app.js';
import type { HttpResponse, ProblemBody, TokenResponse } from '../http/http.js';
import { login, PASSWORD, refresh, register, someEmail } from './users.js';

/** A user with two sessions. */
interface SignedInUser {
  email: string;
  tokens: TokenResponse;
  other: TokenResponse;
}

type Routes = Record<string, (test: TestApp, user: SignedInUser) => Promise<HttpResponse<ProblemBody>>>;

/** Every route that writes. */
export const WRITES: Routes = {
  login: ({ http }, { email }) => http.post('/auth/login', { json: { email, password: PASSWORD } }),
  refresh: ({ http }, { tokens }) => refresh(http, tokens.refresh_token),
  register: ({ http }) => http.post('/auth/register', { json: { email: someEmail(), password: PASSWORD } }),
  rename: ({ http }, { tokens }) => http.patch('/users/me', { token: tokens.access_token, json: { name: 'Nobody' } }),
  logout: ({ http }, { tokens }) => http.post('/auth/logout', { token: tokens.access_token }),
  'logout with a refresh token': ({ http }, { tokens }) =>
    http.post('/auth/logout', { json: { refresh_token: tokens.refresh_token } }),
  'revoke a session': ({ http }, { tokens, other }) =>
    http.delete(`/sessions/${other.session_id}`, { token: tokens.access_token }),
  'revoke all sessions': ({ http }, { tokens }) => http.delete('/sessions', { token: tokens.access_token }),
  'change the password': ({ http }, { tokens }) =>
    http.post('/auth/password', {
      token: tokens.access_token,
      json: { currentPassword: PASSWORD, newPassword: `${PASSWORD}, a new one` },
    }),
};

/** Routes that only read. */
export const READS: Routes = {
  'wrong password': ({ http }, { email }) =>
    http.post('/auth/login', { json: { email, password: 'not the password at all' } }),
  sessions: ({ http }, { tokens }) => http.get('/sessions', { token: tokens.access_token }),
  profile: ({ http }, { tokens }) => http.get('/users/me', { token: tokens.access_token }),
};

export async function newUser({ http }: TestApp): Promise<SignedInUser> {
  const { email, tokens } = await register(http);
  return { email, tokens, other: await login(http, email) };
}

/** `ok` when the process is ready and receives the revocations of other processes. */
const readiness = async ({ http }: TestApp) => (await http.get('/health/ready')).body.status;
export const ready = async ({ http }: TestApp) => (await http.get('/health/ready')).status;

/** Every route responds with 503, Retry-After and `terminal: false`, so that a client keeps its credentials. */
export async function expectUnavailable(test: TestApp, routes: Routes, user: SignedInUser): Promise<void> {
  const responses = await Promise.all(
    Object.entries(routes).map(async ([name, call]) => {
      const { status, body, headers } = await call(test, user);
      const retry = Number(headers.get('retry-after')) > 0;
      return [name, { status, code: body?.code, terminal: body?.terminal, retry }];
    }),
  );
  const expected = { status: 503, code: 'database_unavailable', terminal: false, retry: true };
  expect(Object.fromEntries(responses)).toEqual(
    Object.fromEntries(Object.keys(routes).map((name) => [name, expected])),
  );
}

/** Routes without a database keep serving, and so do guarded routes while revocations are received. */
export async function expectGuardedRoutesServe(test: TestApp, { tokens }: SignedInUser): Promise<void> {
  const { status, body } = await test.http.get('/auth/whoami', { token: tokens.access_token });
  expect([status, body.sessionId]).toEqual([200, tokens.session_id]);
  await expectOpenRoutesServe(test);
}

export async function expectOpenRoutesServe({ http }: TestApp): Promise<void> {
  for (const open of ['/health/live', '/.well-known/jwks.json']) expect((await http.get(open)).status).toBe(200);
}

/** A guarded route. Without revocations and without a database it fails closed, and signs nobody out. */
export const GUARDED: Routes = {
  whoami: ({ http }, { tokens }) => http.get('/auth/whoami', { token: tokens.access_token }),
};

/** The same process works again, the sessions are alive, and no operation was half done. */
export async function expectRecovered(test: TestApp, { email, tokens, other }: SignedInUser): Promise<void> {
  await expect.poll(() => readiness(test), { timeout: 10_000 }).toBe('ok');
  for (const session of [tokens, other]) {
    const { status, body } = await refresh(test.http, session.refresh_token);
    expect([status, body.session_id]).toEqual([200, session.session_id]);
    expect((await test.http.get('/auth/whoami', { token: body.access_token })).status).toBe(200);
  }
  await login(test.http, email);
  const profile = await test.http.get('/users/me', { token: tokens.access_token });
  expect([profile.status, profile.body.email]).toEqual([200, email]);
  const half = 'SELECT id FROM users WHERE id NOT IN (SELECT user_id FROM sessions)';
  expect(await test.dataSource.query(half)).toEqual([]);
  for (const [name, call] of Object.entries(WRITES)) {
    expect((await call(test, await newUser(test))).status, name).toBeLessThan(300);
  }
}
