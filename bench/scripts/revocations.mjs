import { PASSWORD, post, register, startLatchkey } from '../support/latchkey.mjs';
import { median } from '../support/statistics.mjs';

/**
 * How long a revocation takes to reach the other processes: log in at one, use the access token at the second, log out at
 * the third, and send requests to the first two without pause until they refuse. Measured from the response to the logout,
 * idle and with guarded requests at all three. A figure below 0: refused before the response to the logout had arrived.
 * `node bench/scripts/revocations.mjs DATABASE_URL [rounds]`
 */
const [url, rounds = '100'] = process.argv.slice(2);
if (!url?.startsWith('postgres')) throw new Error('Name a PostgreSQL: node bench/scripts/revocations.mjs postgres://…');
const servers = [];
for (let i = 0; i < 3; i++) servers.push(await startLatchkey({ DATABASE_URL: url, BCRYPT_COST: '4' }));
const [one, two, three] = servers.map((server) => server.url);

const { email, access_token } = await register(one);

await measure('quiet');
const load = { goesOn: true };
const requests = [one, two, three].flatMap((target) =>
  Array.from({ length: 4 }, async () => {
    while (load.goesOn) await whoami(target, access_token);
  }),
);
await measure('loaded');
load.goesOn = false;
await Promise.all(requests);
await Promise.all(servers.map((server) => server.stop()));

async function measure(name) {
  const latencies = [];
  for (let round = 0; round < Number(rounds); round++) {
    const { body } = await post(one, '/auth/login', { email, password: PASSWORD });
    for (const target of [one, two]) if ((await whoami(target, body.access_token)) !== 200) throw new Error('refused');
    const refused = [one, two].map((target) => untilRefused(target, body.access_token));
    const headers = { authorization: `Bearer ${body.access_token}` };
    const { status } = await fetch(`${three}/auth/logout`, { method: 'POST', headers });
    if (status !== 204) throw new Error(`logout: ${status}`);
    const respondedAt = performance.now();
    for (const at of await Promise.all(refused)) latencies.push(at - respondedAt);
  }
  latencies.sort((a, b) => a - b);
  const at = (share) => latencies[Math.min(latencies.length - 1, Math.floor(share * latencies.length))].toFixed(1);
  console.log(`${name}: median ${median(latencies).toFixed(1)} ms, 99 % ${at(0.99)} ms, most ${at(1)} ms`);
}

async function untilRefused(target, token) {
  for (;;) {
    const status = await whoami(target, token);
    if (status === 401) return performance.now();
    if (status !== 200) throw new Error(`whoami: ${status}`);
  }
}

async function whoami(target, token) {
  const response = await fetch(`${target}/auth/whoami`, { headers: { authorization: `Bearer ${token}` } });
  await response.arrayBuffer();
  return response.status;
}
