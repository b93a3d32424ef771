import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import { PASSWORD, register, startServer } from './server.mjs';
import { median, wrk } from './wrk.mjs';

/**
 * Logins against plain `bcrypt` with as many threads as the server gives it (one core stays free for everybody else),
 * alternating; and against `bcrypt` on all cores. `node bench/logins.mjs [rounds] [cost]`
 */
const rounds = Number(process.argv[2] ?? 3);
const cost = Number(process.argv[3] ?? 12);
const SECONDS = 10;
const cores = availableParallelism();
const threads = Math.max(1, Math.min(3, cores - 1));

async function bcryptAlone(parallel) {
  const { stdout } = await promisify(execFile)('node', ['bench/bcrypt.mjs', cost, parallel, SECONDS]);
  return Number(stdout);
}

const server = await startServer({ BCRYPT_COST: String(cost) });
const { email } = await register(server.url);
const env = { PATH_NAME: '/auth/login', BODY: JSON.stringify({ email, password: PASSWORD }) };
const results = { logins: [], sameThreads: [], allCores: [] };
for (let round = 0; round < rounds; round++) {
  const login = await wrk(server.url, { connections: 8, seconds: SECONDS, script: 'bench/post.lua', env });
  if (login.failed > 0) throw new Error(`${login.failed} logins failed`);
  results.logins.push(login.perSecond);
  results.sameThreads.push(await bcryptAlone(threads));
  results.allCores.push(await bcryptAlone(cores));
}
await server.stop();

const rate = (name) => median(results[name]);
const line = (name) =>
  `${results[name].map((value) => value.toFixed(1)).join(' ')} /s, median ${rate(name).toFixed(1)}`;
console.log(`logins at cost ${cost}     ${line('logins')}`);
console.log(`bcrypt, ${threads} at a time   ${line('sameThreads')}`);
console.log(`bcrypt, ${cores} at a time   ${line('allCores')}`);
console.log(`logins / bcrypt with the same threads: ${(rate('logins') / rate('sameThreads')).toFixed(2)}`);
console.log(`logins / bcrypt on all cores: ${(rate('logins') / rate('allCores')).toFixed(2)}`);
