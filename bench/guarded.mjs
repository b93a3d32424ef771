import { register, startServer } from './server.mjs';
import { median, wrk } from './wrk.mjs';

/** A guarded request against an open one, alternating: what the guard costs. `node bench/guarded.mjs [rounds]` */
const rounds = Number(process.argv[2] ?? 3);
const server = await startServer({ BCRYPT_COST: '4' });
const { access_token } = await register(server.url);
const headers = { Authorization: `Bearer ${access_token}` };
await wrk(`${server.url}/health/live`, { seconds: 2 });
await wrk(`${server.url}/auth/whoami`, { seconds: 2, headers });

const open = [];
const guarded = [];
for (let round = 0; round < rounds; round++) {
  open.push((await wrk(`${server.url}/health/live`, {})).perSecond);
  guarded.push((await wrk(`${server.url}/auth/whoami`, { headers })).perSecond);
}
await server.stop();
console.log(`open     ${open.map(Math.round).join(' ')} /s, median ${Math.round(median(open))}`);
console.log(`guarded  ${guarded.map(Math.round).join(' ')} /s, median ${Math.round(median(guarded))}`);
console.log(`guarded / open: ${(median(guarded) / median(open)).toFixed(2)}`);
