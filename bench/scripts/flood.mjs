import { availableParallelism } from 'node:os';
import { PASSWORD, post, register, startLatchkey } from '../support/latchkey.mjs';
import { luaScript } from '../support/load.mjs';
import { median } from '../support/statistics.mjs';
import { wrk } from '../support/wrk.mjs';

/**
 * What a flood of logins, ten times as many as hashing can serve, does to refreshes and guarded requests: their p99 in
 * the flood against their p99 before it. `node bench/scripts/flood.mjs [rounds] [DATABASE_URL]`
 */
const rounds = Number(process.argv[2] ?? 3);
const database = process.argv[3];
const CONNECTIONS = 4;
const SECONDS = 5;

const server = await startLatchkey(database ? { DATABASE_URL: database } : {});
const user = await register(server.url);
// Somebody else, whose newest logins end their oldest.
const crowd = await register(server.url);
const login = () => post(server.url, '/auth/login', { email: crowd.email, password: PASSWORD });

async function hashesPerSecond() {
  const start = performance.now();
  for (let i = 0; i < 8; i++) await login();
  return (8000 / (performance.now() - start)) * Math.max(1, Math.min(3, availableParallelism() - 1));
}

/** Open loop: it does not wait for responses before it sends more. */
function startFlood(perSecond) {
  const statuses = new Map();
  const timer = setInterval(() => {
    login().then(
      ({ status }) => statuses.set(status, (statuses.get(status) ?? 0) + 1),
      (error) => statuses.set(error.cause?.code, (statuses.get(error.cause?.code) ?? 0) + 1),
    );
  }, 1000 / perSecond);
  return { statuses, stop: () => clearInterval(timer) };
}

async function measure() {
  const headers = { Authorization: `Bearer ${user.access_token}` };
  const guarded = await wrk(`${server.url}/auth/whoami`, { connections: CONNECTIONS, seconds: SECONDS, headers });
  const body = JSON.stringify({ refresh_token: user.refresh_token });
  const refresh = await wrk(server.url, {
    connections: CONNECTIONS,
    seconds: SECONDS,
    headers: { 'Content-Type': 'application/json' },
    script: luaScript('repeat'),
    env: { METHOD: 'POST', PATH_NAME: '/auth/refresh', BODY: body },
  });
  return { guarded, refresh };
}

const capacity = await hashesPerSecond();
await measure();
const quiet = [];
const flooded = [];
for (let round = 0; round < rounds; round++) {
  quiet.push(await measure());
  const flood = startFlood(10 * capacity);
  await new Promise((resolve) => setTimeout(resolve, 2000));
  flooded.push(await measure());
  flood.stop();
  console.log(`flood of ${(10 * capacity).toFixed(0)} logins/s: statuses`, Object.fromEntries(flood.statuses));
  await new Promise((resolve) => setTimeout(resolve, 500 + 70_000 / capacity));
}
await server.stop();

for (const kind of ['guarded', 'refresh']) {
  const [before, during] = [quiet, flooded].map((list) => median(list.map((each) => each[kind].p99)));
  const failed = [...quiet, ...flooded].reduce((sum, each) => sum + each[kind].failed, 0);
  const errors = [...quiet, ...flooded].map((each) => each[kind].errors).filter(Boolean);
  console.log(`${kind}: p99 ${before} ms quiet, ${during} ms in the flood: ${(during / before).toFixed(1)} times`);
  console.log(`  failed: ${failed} ${errors.join(' ')}`);
}
