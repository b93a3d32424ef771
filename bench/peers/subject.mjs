import { fileURLToPath } from 'node:url';
import { newFolder } from '../support/folders.mjs';
import { startProcess } from '../support/start-process.mjs';

/** @typedef {import('../support/load.mjs').Load} Load */

/**
 * What can be asked of a subject. Each function signs in anew where it needs a credential, so that none has expired.
 *
 * @typedef {object} Loads
 * @property {() => Promise<Load>} [open] an open route, which responds with `{"hello":"world"}`
 * @property {() => Promise<Load>} [guarded] the same behind the guard of the subject, with one credential
 * @property {() => Promise<Load>} [many-tokens] the same with one of MANY_TOKENS credentials at random
 * @property {() => Promise<Load>} [new-tokens] the same with NEW_TOKENS credentials in turn
 * @property {() => Promise<Load>} [whoami] what the subject itself says of the caller
 * @property {() => Promise<Load>} [refresh] 32 sessions that refresh without pause; every refresh is a rotation
 * @property {() => Promise<Load> | {count: (seconds: number) => Promise<number>, slow: boolean}} [login] sign-ins with a password
 */

/**
 * Something that is measured.
 *
 * @typedef {object} Subject
 * @property {string} name
 * @property {boolean} [needsPostgres]
 * @property {() => string | undefined} [missing] why it cannot run here, if so
 * @property {(databaseUrl?: string) => Promise<{loads: Loads, stop: () => Promise<void>}>} start
 */

export const SESSIONS = 32;
/** As many as Latchkey remembers (`src/auth/verified-token-cache.ts`): it verifies the signature of few of them again. */
export const MANY_TOKENS = 10_000;
/** More than that, in turn: by the time one comes again it is forgotten. */
export const NEW_TOKENS = 11_000;
/** Enough to keep the threads busy that hash, and so few that none waits for longer than Latchkey lets a sign-in wait. */
export const LOGIN_CONNECTIONS = 4;
/** At 12, the default of Latchkey, a password takes about a quarter of a second. */
export const BCRYPT_COST = '12';
/** For accounts that only have to exist. */
export const CHEAP_COST = '4';

export const JSON_BODY = { 'Content-Type': 'application/json' };
export const isHello = (body) => body?.hello === 'world';
export const isTokenPair = (body) => typeof body?.access_token === 'string' && typeof body?.refresh_token === 'string';

/** A server of ours beside the file of its subject, in an empty folder. */
export function startPeer(url, { command, args = [], env = {} } = {}) {
  return startProcess({
    command,
    args: [...args, fileURLToPath(url)],
    cwd: newFolder(),
    env: { NODE_ENV: 'production', ...env },
  });
}

/** A POST while a load is prepared. @throws where it is refused */
export async function request(url, { headers = {}, json, form } = {}) {
  const body = json ? JSON.stringify(json) : form && new URLSearchParams(form);
  const type = json && { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers: { ...type, ...headers }, body });
  const text = await response.text();
  if (!response.ok) throw new Error(`POST ${url}: ${response.status} ${text}`);
  return { headers: response.headers, body: text ? JSON.parse(text) : undefined };
}

/** The guarded route without a credential: a guard that refuses nobody would be the fastest of all. */
export async function refusesStrangers({ url, path }) {
  const { status } = await fetch(url + path);
  if (status !== 401) throw new Error(`${url}${path}: ${status} without a credential, not 401`);
}
