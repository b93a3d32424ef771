import { expect } from 'vitest';
import type { Http } from '../http.js';
import { PASSWORD, refresh, someEmail } from '../people.js';
import { pause, type StormClient, type Turn } from './storm.js';

const NEW_PASSWORD = `${PASSWORD}, a new one`;

/** Something that stays true once it was answered with success; otherwise it was done in full or not at all. */
export interface Deed {
  what: 'registration' | 'logout' | 'password change';
  answered: boolean;
  /** What it looks like from outside, as one of the two words. */
  look: (http: Http) => Promise<'done' | 'not done'>;
}

/** A turn that registers somebody, and then ends their session or changes their password. */
export function doing(deeds: Deed[]): Turn {
  return async (client) => {
    const email = someEmail();
    const registered = await client.ask('POST', '/auth/register', { json: { email, password: PASSWORD } });
    const tokens = registered?.status === 201 ? registered.body : undefined;
    deeds.push({ what: 'registration', answered: tokens !== undefined, look: (http) => hasAccount(http, email) });
    if (tokens) deeds.push(await (client.turns % 2 ? logOut(client, tokens) : changePassword(client, email, tokens)));
    await pause(30);
  };
}

/** Those that were answered are done; nothing is half done. */
export async function expectDone(deeds: Deed[], http: Http): Promise<void> {
  const seen = [];
  for (const { what, answered, look } of deeds) {
    const state = await look(http);
    seen.push(answered && state === 'not done' ? `${what}: answered, and ${state}` : what);
  }
  expect(seen).toEqual(deeds.map(({ what }) => what));
}

async function hasAccount(http: Http, email: string): Promise<'done' | 'not done'> {
  const statuses = await Promise.all([PASSWORD, NEW_PASSWORD].map((password) => signIn(http, email, password)));
  return oneOf(statuses, { done: [[200, 401], [401, 200]], 'not done': [[401, 401]] }); // prettier-ignore
}

async function logOut(client: StormClient, tokens: Tokens): Promise<Deed> {
  const answer = await client.ask('POST', '/auth/logout', { token: tokens.access_token });
  return {
    what: 'logout',
    answered: answer?.status === 204,
    look: async (http) =>
      oneOf(await statusesOf(http, tokens), { done: [[401, 401]], 'not done': [[200, 200]] }), // prettier-ignore
  };
}

async function changePassword(client: StormClient, email: string, tokens: Tokens): Promise<Deed> {
  const json = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };
  const answer = await client.ask('POST', '/auth/password', { token: tokens.access_token, json });
  return {
    what: 'password change',
    answered: answer?.status === 200,
    look: async (http) => {
      const passwords = await Promise.all([PASSWORD, NEW_PASSWORD].map((password) => signIn(http, email, password)));
      const fresh = answer?.status === 200 ? [(await refresh(http, answer.body.refresh_token)).status] : [200];
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

/** Which of the two it is; anything between them fails the test. */
function oneOf(statuses: number[], states: Record<'done' | 'not done', number[][]>): 'done' | 'not done' {
  const is = (state: 'done' | 'not done') => states[state].some((known) => known.join() === statuses.join());
  expect(is('done') || is('not done'), `half done: ${statuses.join()}`).toBe(true);
  return is('done') ? 'done' : 'not done';
}
