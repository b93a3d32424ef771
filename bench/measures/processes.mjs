import { refreshLoad, whoamiLoad } from '../peers/latchkey/subject.mjs';
import { CHEAP_COST, SESSIONS } from '../peers/subject.mjs';
import { line, ratio } from '../report/section.mjs';
import { startLatchkey, STRICT } from '../support/latchkey.mjs';
import { sendLoad } from '../support/load.mjs';
import { progress } from '../support/progress.mjs';

/** @typedef {import('../report/section.mjs').Section} Section */

const COUNTS = [1, 2, 3];
const LOADS = {
  guarded: { title: 'GET /auth/whoami, by processes on one PostgreSQL', prepare: guardedLoad },
  refresh: { title: 'Refreshes, by processes on one PostgreSQL', prepare: refreshLoad },
};

/**
 * Several processes on one PostgreSQL, each with its share of 32 connections: as a load balancer deals them out in turn.
 *
 * @param {{rounds: number, seconds: number, postgres: import('../support/postgres.mjs').Postgres}} options
 * @returns {Promise<Section[]>}
 */
export async function measureProcesses({ rounds, seconds, postgres }) {
  const env = { ...STRICT, BCRYPT_COST: CHEAP_COST, DATABASE_URL: await postgres.createDatabase() };
  const servers = [];
  try {
    for (const _ of Array(Math.max(...COUNTS))) servers.push(await startLatchkey(env));
    const visits = Object.keys(LOADS).flatMap((load) => COUNTS.map((count) => ({ load, count, perRound: [] })));
    // The first one warms up.
    for (let round = 0; round <= rounds; round++)
      for (const visit of round % 2 ? visits.toReversed() : visits) {
        const perSecond = await visitOnce(servers.slice(0, visit.count), LOADS[visit.load].prepare, seconds);
        progress(`round ${round}/${rounds}  ${visit.load}  ${nameOf(visit.count)}  ${Math.round(perSecond)}/s`);
        if (round > 0) visit.perRound.push(perSecond);
      }
    return Object.entries(LOADS).map(([load, { title }]) =>
      sectionOf(
        title,
        visits.filter((visit) => visit.load === load),
      ),
    );
  } finally {
    await Promise.all(servers.map(({ stop }) => stop()));
  }
}

/** One wrk for each process, all at the same time. */
async function visitOnce(servers, prepare, seconds) {
  const shareOf = (i) => Math.ceil((SESSIONS - i) / servers.length);
  const loads = [];
  for (const [i, { url }] of servers.entries()) loads.push(await prepare(url, shareOf(i)));
  const results = await Promise.all(loads.map((load) => sendLoad(load, seconds)));
  return results.reduce((sum, { perSecond }) => sum + perSecond, 0);
}

async function guardedLoad(url, connections) {
  return { ...(await whoamiLoad(url)), connections };
}

/** @returns {Section} */
function sectionOf(title, visits) {
  const lines = visits.map(({ count, perRound }) => line(`Latchkey, ${nameOf(count)}`, perRound));
  const ratios = visits.slice(1).map(({ count }, i) => ratio(`${nameOf(count)} / 1 process`, lines[i + 1], lines[0]));
  return { key: 'processes', title, unit: 'requests per second', lines, ratios };
}

function nameOf(count) {
  return count === 1 ? '1 process' : `${count} processes`;
}
