import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CHEAP_COST } from '../peers/subject.mjs';
import { line } from '../report/section.mjs';
import { newFolder } from '../support/folders.mjs';
import { post, startLatchkey, STRICT } from '../support/latchkey.mjs';
import { progress } from '../support/progress.mjs';
import { drawTokens, ISSUER, startWithSessions } from '../support/session-rows.mjs';
import { openSqliteSql } from '../support/sql.mjs';

/** @typedef {import('../report/section.mjs').Section} Section */

const COLLECTABLE = new URL('../peers/latchkey/collectable.mjs', import.meta.url);
const ENV = { ...STRICT, BCRYPT_COST: CHEAP_COST, ACCESS_TOKEN_TTL: '1d', ISSUER };
const AT_ONCE = 32;
/** So few that no cache is full before the measure. */
const WARM_UP = 2000;

/**
 * Memory of a Latchkey process on SQLite: what it keeps of so many sessions that refresh once, and then of a guarded request
 * with each of their access tokens. After a garbage collection.
 *
 * @param {{sessions: number}} options
 * @returns {Promise<Section[]>}
 */
export async function measureMemory({ sessions }) {
  const file = join(newFolder(), 'sessions.sqlite');
  const env = { ...ENV, DATABASE_URL: `sqlite:${file}` };
  const start = () => startLatchkey(env, COLLECTABLE, ['--expose-gc']);
  const { sql, server } = await startWithSessions(WARM_UP + sessions, start, () => openSqliteSql(file));
  try {
    const tokens = await drawTokens(sql, WARM_UP + sessions);
    progress(`memory: warm up with ${WARM_UP} sessions`);
    await useTokens(server.url, await refresh(server.url, tokens.splice(0, WARM_UP)));
    const before = await memoryOf(server);
    progress(`memory: ${sessions} refreshes`);
    const accessTokens = await refresh(server.url, tokens);
    const refreshed = await memoryOf(server);
    progress(`memory: ${sessions} guarded requests`);
    await useTokens(server.url, accessTokens);
    return [sectionOf(sessions, { before, refreshed, guarded: await memoryOf(server) })];
  } finally {
    await sql.close();
    await server.stop();
  }
}

/** @returns {Promise<string[]>} an access token of each session */
function refresh(url, tokens) {
  return eachAtOnce(tokens, async (refresh_token) => {
    const { status, body } = await post(url, '/auth/refresh', { refresh_token });
    if (status !== 200) throw new Error(`refresh: ${status} ${JSON.stringify(body)}`);
    return body.access_token;
  });
}

function useTokens(url, tokens) {
  return eachAtOnce(tokens, async (token) => {
    const response = await fetch(`${url}/auth/whoami`, { headers: { authorization: `Bearer ${token}` } });
    await response.arrayBuffer();
    if (response.status !== 200) throw new Error(`whoami: ${response.status}`);
  });
}

async function eachAtOnce(items, use) {
  const results = [];
  let next = 0;
  const work = async () => {
    while (next < items.length) results.push(await use(items[next++]));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return results;
}

/** What is in use after a garbage collection, by the metrics of the server. In megabytes. */
async function memoryOf({ url, pid }) {
  // Buffered writes come first; then the garbage, twice, because finalizers run between the two.
  await sleep(3000);
  for (const _ of [1, 2]) {
    process.kill(pid, 'SIGUSR2');
    await sleep(1000);
  }
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const megabytes = (name) => Number(new RegExp(`^${name} (\\S+)`, 'm').exec(metrics)[1]) / 1e6;
  return {
    resident: megabytes('process_resident_memory_bytes'),
    used: megabytes('nodejs_heap_size_used_bytes') + megabytes('nodejs_external_memory_bytes'),
  };
}

/** @returns {Section} */
function sectionOf(sessions, { before, refreshed, guarded }) {
  return {
    key: 'memory',
    title: `Memory of a process, ${sessions.toLocaleString('en')} sessions, less is better`,
    unit: 'megabytes',
    lines: [
      line('Latchkey: resident before', [before.resident]),
      line('Latchkey: resident after a refresh of each', [refreshed.resident]),
      line('Latchkey: resident after a guarded request of each', [guarded.resident]),
      line('heap in use before', [before.used]),
      line('heap growth by a refresh of each', [refreshed.used - before.used]),
      line('heap growth by a guarded request of each', [guarded.used - refreshed.used]),
    ],
    ratios: [],
  };
}
