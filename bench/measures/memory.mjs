import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { CHEAP_COST } from '../peers/subject.mjs';
import { line } from '../report/section.mjs';
import { PASSWORD, post, registerMany, startLatchkey } from '../support/latchkey.mjs';
import { progress } from '../support/progress.mjs';

/** @typedef {import('../report/section.mjs').Section} Section */

const COLLECTABLE = new URL('../peers/latchkey/collectable.mjs', import.meta.url);
/** Below the default of MAX_SESSIONS_PER_USER, beyond which a sign-in revokes the oldest session. */
const SESSIONS_PER_USER = 40;
const AT_ONCE = 8;
const WARM_UP = 10_000;

/**
 * Memory of a Latchkey process on SQLite: what so many sign-ins add to it, and then a guarded request with the access token
 * of each. Resident memory after a garbage collection.
 *
 * @param {{sessions: number}} options
 * @returns {Promise<Section[]>}
 */
export async function measureMemory({ sessions }) {
  const env = { BCRYPT_COST: CHEAP_COST, ACCESS_TOKEN_TTL: '1d' };
  const { url, pid, stop } = await startLatchkey(env, COLLECTABLE, ['--expose-gc']);
  try {
    const warmUp = Math.min(WARM_UP, sessions);
    progress(`memory: ${warmUp} sign-ins to warm up`);
    await useTokens(url, await signIn(url, warmUp));
    const before = await residentMb(pid);
    progress(`memory: ${sessions} sign-ins`);
    const tokens = await signIn(url, sessions);
    const signedIn = await residentMb(pid);
    progress(`memory: ${sessions} guarded requests`);
    await useTokens(url, tokens);
    const used = await residentMb(pid);
    return [sectionOf(sessions, { before, signedIn, used })];
  } finally {
    await stop();
  }
}

/** @returns {Promise<string[]>} the access token of each session */
async function signIn(url, sessions) {
  const users = await registerMany(url, Math.ceil(sessions / SESSIONS_PER_USER));
  const tokens = users.map((user) => user.access_token);
  let next = 0;
  await atOnce(async () => {
    if (users.length + next >= sessions) return false;
    const { email } = users[next++ % users.length];
    const { status, body } = await post(url, '/auth/login', { email, password: PASSWORD });
    if (status !== 200) throw new Error(`login: ${status} ${JSON.stringify(body)}`);
    tokens.push(body.access_token);
    return true;
  });
  return tokens;
}

async function useTokens(url, tokens) {
  let next = 0;
  await atOnce(async () => {
    const token = tokens[next++];
    if (!token) return false;
    const response = await fetch(`${url}/auth/whoami`, { headers: { authorization: `Bearer ${token}` } });
    await response.arrayBuffer();
    if (response.status !== 200) throw new Error(`whoami: ${response.status}`);
    return true;
  });
}

/** Repeats the step, several at a time, until it returns false. */
async function atOnce(step) {
  const repeat = async () => {
    while (await step());
  };
  await Promise.all(Array.from({ length: AT_ONCE }, repeat));
}

async function residentMb(pid) {
  // Buffered writes come first; then the garbage, twice, because finalizers run between the two.
  await sleep(3000);
  for (const _ of [1, 2]) {
    process.kill(pid, 'SIGUSR2');
    await sleep(1000);
  }
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) / 1024;
}

/** @returns {Section} */
function sectionOf(sessions, { before, signedIn, used }) {
  const per100k = (megabytes) => (megabytes * 100_000) / sessions;
  const count = sessions.toLocaleString('en');
  return {
    key: 'memory',
    title: `Memory of a process after ${count} sign-ins, less is better`,
    unit: 'megabytes',
    lines: [
      line('Latchkey before them', [before]),
      line('Latchkey after them', [signedIn]),
      line('Latchkey after a guarded request with each token', [used]),
      line('growth for 100,000 sessions', [per100k(signedIn - before)]),
      line('growth for 100,000 access tokens in use', [per100k(used - signedIn)]),
    ],
    ratios: [],
  };
}
