import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { register, startServer } from './server.mjs';
import { median, wrk } from './wrk.mjs';

/**
 * Refreshes in real chains: 32 sessions, each presenting the token of its last response; every refresh is a rotation.
 * `node bench/refresh.mjs [rounds] [DATABASE_URL]`
 */
const rounds = Number(process.argv[2] ?? 3);
const database = process.argv[3];
const folder = mkdtempSync(join(tmpdir(), 'latchkey-bench-'));
const strict = { BCRYPT_COST: '4', REFRESH_ROTATION_INTERVAL: '0s', REFRESH_LEEWAY: '0s' };
const server = await startServer({ ...strict, ...(database && { DATABASE_URL: database }) });

const results = [];
for (let round = -1; round < rounds; round++) {
  const users = await Promise.all(Array.from({ length: 32 }, () => register(server.url)));
  const tokens = join(folder, `tokens-${round}`);
  writeFileSync(tokens, users.map((user) => user.refresh_token).join('\n'));
  const script = 'bench/refresh-chain.lua';
  const result = await wrk(server.url, { connections: 32, threads: 32, script, env: { TOKENS: tokens } });
  if (round >= 0) results.push(result);
}
await server.stop();
rmSync(folder, { recursive: true });
const perSecond = results.map((result) => result.perSecond);
console.log(
  `${database ? 'PostgreSQL' : 'SQLite'}: ${perSecond.map(Math.round).join(' ')} refreshes/s, median ${Math.round(median(perSecond))}`,
);
console.log(
  `p99 ${median(results.map((result) => result.p99))} ms, failed ${results.map((result) => result.failed).join(' ')}`,
);
