import { fileURLToPath } from 'node:url';
import { compileTutorial } from '../peers/tutorial/subject.mjs';
import { line, ratio } from '../report/section.mjs';
import { newFolder } from '../support/folders.mjs';
import { MAIN, SETTINGS } from '../support/latchkey.mjs';
import { progress } from '../support/progress.mjs';
import { startProcess } from '../support/start-process.mjs';

/** @typedef {import('../report/section.mjs').Section} Section */

const peer = (path) => new URL(`../peers/${path}`, import.meta.url);
const PRODUCTION = { NODE_ENV: 'production' };
const SERVERS = [
  { name: 'Latchkey, SQLite', file: MAIN, ready: '/health/ready', env: SETTINGS },
  { name: 'Latchkey, PostgreSQL', file: MAIN, ready: '/health/ready', env: SETTINGS, needsPostgres: true },
  { name: 'NestJS tutorial, SQLite', file: peer('tutorial/dist/main.js'), ready: '/open', env: PRODUCTION },
  {
    name: 'Better Auth, SQLite',
    file: peer('better-auth/server.mjs'),
    ready: '/open',
    env: { ...PRODUCTION, SECRET: 'a secret of the benchmarks, with more than 32 bytes' },
  },
];

/**
 * From the start of the process to its first response of 200, on a database that has its tables already.
 *
 * @param {{rounds: number, postgres?: import('../support/postgres.mjs').Postgres}} options
 * @returns {Promise<Section[]>}
 */
export async function measureStartUp({ rounds, postgres }) {
  compileTutorial();
  const servers = [];
  for (const server of SERVERS.filter(({ needsPostgres }) => !needsPostgres || postgres)) {
    const database = server.needsPostgres ? { DATABASE_URL: await postgres.createDatabase() } : {};
    servers.push({ ...server, cwd: newFolder(), env: { ...server.env, ...database }, perRound: [] });
  }
  // The first round makes the tables, and brings the files into the memory of the system.
  for (let round = 0; round <= rounds; round++)
    for (const server of servers) {
      const milliseconds = await startOnce(server);
      progress(`round ${round}/${rounds}  start-up  ${server.name}  ${Math.round(milliseconds)} ms`);
      if (round > 0) server.perRound.push(milliseconds);
    }
  const lines = servers.map(({ name, perRound }) => line(name, perRound));
  const ratios = lines.slice(1).map((other) => ratio(`${lines[0].name} / ${other.name}`, lines[0], other));
  return [{ key: 'start-up', title: 'Start-up, less is better', unit: 'milliseconds', lines, ratios }];
}

async function startOnce({ file, env, cwd, ready }) {
  const start = performance.now();
  const { url, stop } = await startProcess({ args: [fileURLToPath(file)], cwd, env });
  while ((await fetch(url + ready)).status !== 200);
  const milliseconds = performance.now() - start;
  await stop();
  return milliseconds;
}
