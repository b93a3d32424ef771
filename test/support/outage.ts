import { expect } from 'vitest';
import type { TestApp } from './app.js';
import type { Answer, ProblemBody, TokenResponse } from './http.js';
import { login, PASSWORD, refresh, register, someEmail } from './people.js';

/** Somebody with two sessions. */
export interface Person {
  email: string;
  tokens: TokenResponse;
  other: TokenResponse;
}

type Routes = Record<string, (test: TestApp, person: Person) => Promise<Answer<ProblemBody>>>;

/** Every route that writes. */
export const WRITES: Routes = {
  login: ({ http }, { email }) => http.post('/auth/login', { json: { email, password: PASSWORD } }),
  refresh: ({ http }, { tokens }) => refresh(http, tokens.refresh_token),
  register: ({ http }) => http.post('/auth/register', { json: { email: someEmail(), password: PASSWORD } }),
  rename: ({ http }, { tokens }) => http.patch('/users/me', { token: tokens.access_token, json: { name: 'Nobody' } }),
  logout: ({ http }, { tokens }) => http.post('/auth/logout', { token: tokens.access_token }),
  'logout with a refresh token': ({ http }, { tokens }) =>
    http.post('/auth/logout', { json: { refresh_token: tokens.refresh_token } }),
  'end a session': ({ http }, { tokens, other }) =>
    http.delete(`/sessions/${other.session_id}`, { token: tokens.access_token }),
  'end all sessions': ({ http }, { tokens }) => http.delete('/sessions', { token: tokens.access_token }),
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

export async function somebody({ http }: TestApp): Promise<Person> {
  const { email, tokens } = await register(http);
  return { email, tokens, other: await login(http, email) };
}

/** Ready, and hearing what other processes end. */
const well = async ({ http }: TestApp) => (await http.get('/health/ready')).body.status;
export const ready = async ({ http }: TestApp) => (await http.get('/health/ready')).status;

/** Each is answered with 503, and with nothing that would make a client drop its credentials. */
export async function expectUnavailable(test: TestApp, routes: Routes, person: Person): Promise<void> {
  const answers = await Promise.all(
    Object.entries(routes).map(async ([name, call]) => {
      const { status, body, headers } = await call(test, person);
      const retry = Number(headers.get('retry-after')) > 0;
      return [name, { status, code: body?.code, terminal: body?.terminal, retry }];
    }),
  );
  const expected = { status: 503, code: 'database_unavailable', terminal: false, retry: true };
  expect(Object.fromEntries(answers)).toEqual(Object.fromEntries(Object.keys(routes).map((name) => [name, expected])));
}

/** What needs no database does not notice; nor do guarded requests, as long as it is heard what ends. */
export async function expectGuardedRoutesServe(test: TestApp, { tokens }: Person): Promise<void> {
  const { status, body } = await test.http.get('/auth/whoami', { token: tokens.access_token });
  expect([status, body.sessionId]).toEqual([200, tokens.session_id]);
  await expectOpenRoutesServe(test);
}

export async function expectOpenRoutesServe({ http }: TestApp): Promise<void> {
  for (const open of ['/health/live', '/.well-known/jwks.json']) expect((await http.get(open)).status).toBe(200);
}

/** Where nothing can be heard and nothing read, nobody is let in on a guess, and nobody is signed out. */
export const GUARDED: Routes = {
  whoami: ({ http }, { tokens }) => http.get('/auth/whoami', { token: tokens.access_token }),
};

/** Nobody was signed out, nothing happened half, and everything works, in the same process. */
export async function expectAsBefore(test: TestApp, { email, tokens, other }: Person): Promise<void> {
  await expect.poll(() => well(test), { timeout: 10_000 }).toBe('ok');
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
    expect((await call(test, await somebody(test))).status, name).toBeLessThan(300);
  }
}
