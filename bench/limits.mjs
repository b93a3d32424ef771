import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { register, startServer } from './server.mjs';
import { median, wrk } from './wrk.mjs';

/**
 * What rate limits cost: guarded requests and refreshes of a server with limits against one without, alternating. The limits
 * count everything and refuse nothing. Without a limit on either side, the ratio of the two is the noise of the machine: `off`.
 * `node bench/limits.mjs [rounds] [on|off] [DATABASE_URL DATABASE_URL]`
 */
const [rounds = '5', compared = 'on', ...databases] = process.argv.slice(2);
const SECONDS = 4;
const SESSIONS = 32;
const HIGH = 'refresh-session=1000000/1m,register-address=1000000/1d,register-network=1000000/1d';
const env = { BCRYPT_COST: '4', SWAGGER: 'off', REFRESH_ROTATION_INTERVAL: '0s', REFRESH_LEEWAY: '0s' };
const folder = mkdtempSync(join(tmpdir(), 'latchkey-bench-'));
const servers = [];
for (const [i, limits] of [compared, 'off'].entries()) {
  const own = { RATE_LIMITS: limits, RATE_LIMIT_OVERRIDES: HIGH, ...(databases[i] && { DATABASE_URL: databases[i] }) };
  const server = await startServer({ ...env, ...own });
  servers.push({ server, limits, guarded: [], refreshes: [], user: await register(server.url) });
}

async function guarded({ server, user }) {
  const headers = { Authorization: `Bearer ${user.access_token}` };
  return wrk(`${server.url}/auth/whoami`, { seconds: SECONDS, headers });
}

async function refreshes({ server }) {
  const users = [];
  while (users.length < SESSIONS)
    users.push(...(await Promise.all(Array.from({ length: 8 }, () => register(server.url)))));
  const tokens = join(folder, 'tokens');
  writeFileSync(tokens, users.map((user) => user.refresh_token).join('\n'));
  const chain = {
    connections: SESSIONS,
    threads: SESSIONS,
    script: 'bench/refresh-chain.lua',
    env: { TOKENS: tokens },
  };
  return wrk(server.url, { ...chain, seconds: SECONDS });
}

for (let round = -1; round < Number(rounds); round++) {
  for (const [name, run] of Object.entries({ guarded, refreshes })) {
    for (const each of round % 2 ? servers : servers.toReversed()) {
      const { perSecond, failed } = await run(each);
      if (failed > 0) throw new Error(`${name}: ${failed} requests failed`);
      if (round >= 0) each[name].push(perSecond);
    }
  }
}
for (const { server } of servers) await server.stop();
rmSync(folder, { recursive: true });

for (const name of ['guarded', 'refreshes']) {
  for (const each of servers)
    console.log(
      `${name.padEnd(10)} ${each.limits.padEnd(3)} ${each[name].map(Math.round).join(' ')} /s, median ${Math.round(median(each[name]))}`,
    );
  const [on, off] = servers.map((each) => each[name]);
  const ratios = on.map((perSecond, i) => perSecond / off[i]);
  console.log(
    `${name}: ratio of the medians ${(median(on) / median(off)).toFixed(3)}, median of the ratios ${median(ratios).toFixed(3)}`,
  );
}
