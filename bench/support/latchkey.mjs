import { fileURLToPath } from 'node:url';
import { newFolder } from './folders.mjs';
import { startProcess } from './start-process.mjs';

export const MAIN = new URL('../../dist/src/main.js', import.meta.url);

export const SETTINGS = {
  APP_SECRET: 'a secret of the benchmarks and of nothing else',
  PORT: '0',
  // One address sends more than any limit allows.
  RATE_LIMITS: 'off',
  SWAGGER: 'off',
};

/** Every refresh is a rotation, and no old token is accepted. */
export const STRICT = { REFRESH_ROTATION_INTERVAL: '0s', REFRESH_LEEWAY: '0s' };

/** The built program, or another file, in an empty folder, on a port of its own. */
export function startLatchkey(env = {}, file = MAIN, nodeOptions = []) {
  const args = [...nodeOptions, fileURLToPath(file)];
  return startProcess({ args, cwd: newFolder(), env: { ...SETTINGS, ...env } });
}

/** @returns {Promise<{status: number, body: any}>} */
export async function post(url, path, json) {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(json),
  });
  return { status: response.status, body: await response.json() };
}

let users = 0;
export const PASSWORD = 'a long enough passphrase';

export function newEmail() {
  return `bench-${process.pid}-${users++}@example.com`;
}

/** A new account, signed in: the token response, and the address. */
export async function register(url) {
  const email = newEmail();
  const { status, body } = await post(url, '/auth/register', { email, password: PASSWORD });
  if (status !== 201) throw new Error(`register: ${status} ${JSON.stringify(body)}`);
  return { email, ...body };
}

/** So many accounts, eight at a time: more would be refused by the queue of password hashing. */
export async function registerMany(url, count) {
  const accounts = [];
  while (accounts.length < count) {
    const missing = Math.min(8, count - accounts.length);
    accounts.push(...(await Promise.all(Array.from({ length: missing }, () => register(url)))));
  }
  return accounts;
}
