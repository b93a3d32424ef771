import { register, startServer } from './server.mjs';
import { median, wrk } from './wrk.mjs';

/**
 * Guarded requests against open ones, alternating. The same handler behind either, with the same request: what the guard
 * costs. And `GET /auth/whoami` against `GET /health/live`, where request and response are longer.
 * `node bench/guarded.mjs [rounds] [DATABASE_URL]`
 */
const rounds = Number(process.argv[2] ?? 3);
const database = process.argv[3] ? { DATABASE_URL: process.argv[3] } : {};
const server = await startServer({ BCRYPT_COST: '4', SWAGGER: 'off', ...database }, 'bench/two-routes.mjs');
const { access_token } = await register(server.url);
const token = { Authorization: `Bearer ${access_token}` };
const ROUTES = [
  { path: '/two/open', headers: token },
  { path: '/two/guarded', headers: token },
  { path: '/health/live', headers: {} },
  { path: '/auth/whoami', headers: token },
];
for (const { path, headers } of ROUTES) await wrk(server.url + path, { seconds: 2, headers });

const figures = ROUTES.map(() => []);
for (let round = 0; round < rounds; round++) {
  for (const [i, { path, headers }] of ROUTES.entries()) {
    const { perSecond, failed } = await wrk(server.url + path, { headers });
    if (failed > 0) throw new Error(`${path}: ${failed} requests failed`);
    figures[i].push(perSecond);
  }
}
await server.stop();
for (const [i, { path }] of ROUTES.entries())
  console.log(
    `${path.padEnd(14)} ${figures[i].map(Math.round).join(' ')} /s, median ${Math.round(median(figures[i]))}`,
  );
const ratio = (above, below) => (median(figures[above]) / median(figures[below])).toFixed(2);
console.log(`guarded / open, the same otherwise: ${ratio(1, 0)}`);
console.log(`whoami / live: ${ratio(3, 2)}`);
