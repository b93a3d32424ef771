import { expect } from 'vitest';
import type { Http } from '../http/http.js';
import { PASSWORD, refresh, someEmail } from '../app/users.js';
import { pause, type StormClient, type Turn } from './storm.js';

const NEW_PASSWORD = `${PASSWORD}, a new one`;

/** An operation of a client. When its success was confirmed it must be done; otherwise it is done completely or not at all. */
export interface Operation {
  what: 'registration' | 'logout' | 'password change';
  /** Whether the response with its success arrived. */
  confirmed: boolean;
  /** Reads the state over HTTP. */
  state: (http: Http) => Promise<'done' | 'not done'>;
}

/** A turn that registers a user, and then signs out or changes the password. */
export function performing(operations: Operation[]): Turn {
  return async (client) => {
    const email = someEmail();
    const registered = await client.ask('POST', '/auth/register', { json: { email, password: PASSWORD } });
    const tokens = registered?.status === 201 ? registered.body : undefined;
    operations.push({
      what: 'registration',
      confirmed: tokens !== undefined,
      state: (http) => hasAccount(http, email),
    });
    if (tokens)
      operations.push(await (client.turns % 2 ? logOut(client, tokens) : changePassword(client, email, tokens)));
    await pause(30);
  };
}

/** Confirmed operations are done, and none is half done. */
export async function expectDone(operations: Operation[], http: Http): Promise<void> {
  const seen = [];
  for (const { what, confirmed, state: readState } of operations) {
    const state = await readState(http);
    seen.push(confirmed && state === 'not done' ? `${what}: confirmed, but ${state}` : what);
  }
  expect(seen).toEqual(operations.map(({ what }) => what));
}

async function hasAccount(http: Http, email: string): Promise<'done' | 'not done'> {
  const statuses = await Promise.all([PASSWORD, NEW_PASSWORD].map((password) => signIn(http, email, password)));
  return oneOf(statuses, { done: [[200, 401], [401, 200]], 'not done': [[401, 401]] }); // prettier-ignore
}

async function logOut(client: StormClient, tokens: Tokens): Promise<Operation> {
  const response = await client.ask('POST', '/auth/logout', { token: tokens.access_token });
  return {
    what: 'logout',
    confirmed: response?.status === 204,
    state: async (http) =>
      oneOf(await statusesOf(http, tokens), { done: [[401, 401]], 'not done': [[200, 200]] }), // prettier-ignore
  };
}

async function changePassword(client: StormClient, email: string, tokens: Tokens): Promise<Operation> {
  const json = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };
  const response = await client.ask('POST', '/auth/password', { token: tokens.access_token, json });
  return {
    what: 'password change',
    confirmed: response?.status === 200,
    state: async (http) => {
      const passwords = await Promise.all([PASSWORD, NEW_PASSWORD].map((password) => signIn(http, email, password)));
      const fresh = response?.status === 200 ? [(await refresh(http, response.body.refresh_token)).status] : [200];
      const statuses = [...passwords, ...(await statusesOf(http, tokens)), ...fresh];
      return oneOf(statuses, { done: [[401, 200, 401, 401, 200]], 'not done': [[200, 401, 200, 200, 200]] });
    },
  };
}

type Tokens = { access_token: string; refresh_token: string };

async function statusesOf(http: Http, tokens: Tokens): Promise<number[]> {
  const refreshed = (await refresh(http, tokens.refresh_token)).status;
  return [refreshed, (await http.get('/auth/whoami', { token: tokens.access_token })).status];
}

async function signIn(http: Http, email: string, password: string): Promise<number> {
  return (await http.post('/auth/login', { json: { email, password } })).status;
}

/** Which of the two states these are; fails for a state between them. */
function oneOf(statuses: number[], states: Record<'done' | 'not done', number[][]>): 'done' | 'not done' {
  const is = (state: 'done' | 'not done') => states[state].some((known) => known.join() === statuses.join());
  expect(is('done') || is('not done'), `half done: ${statuses.join()}`).toBe(true);
  return is('done') ? 'done' : 'not done';
}
