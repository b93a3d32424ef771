import { refusesStrangers } from '../peers/subject.mjs';
import { line, ratio } from '../report/section.mjs';
import { checkLoad, sendLoad } from '../support/load.mjs';
import { progress } from '../support/progress.mjs';
import { median } from '../support/statistics.mjs';
import { comparisonsOf } from '../report/comparisons.mjs';

/** @typedef {import('../peers/subject.mjs').Subject} Subject */
/** @typedef {import('../report/section.mjs').Section} Section */

/** Where each request hashes a password, a second sees only a few of them. */
const SLOW = { factor: 2, atLeastSeconds: 10 };
const TITLES = {
  open: 'Open route',
  guarded: 'Guarded route, one credential',
  'many-tokens': 'Guarded route, one of 10,000 access tokens at random',
  'new-tokens': 'Guarded route, more access tokens than Latchkey remembers',
  whoami: 'Who is the caller',
  refresh: 'Refreshes, each a rotation, 32 sessions',
  login: 'Sign-ins with a password',
};

/**
 * Requests per second of every subject, in rounds that visit each of them once: what the machine does meanwhile happens to
 * all. One of them is loaded at a time, the others are idle.
 *
 * @param {Subject[]} subjects
 * @param {string[]} loads
 * @param {{rounds: number, seconds: number, warmUpSeconds?: number, postgres?: import('../support/postgres.mjs').Postgres}} options
 * @returns {Promise<Section[]>} one for each load
 */
export async function measureThroughput(subjects, loads, { rounds, seconds, warmUpSeconds = 2, postgres }) {
  const running = [];
  try {
    for (const subject of subjects) running.push(await start(subject, postgres));
    const visits = loads.flatMap((load) =>
      running.filter((one) => one.loads[load]).map(({ name, loads }) => ({ load, name, prepare: loads[load] })),
    );
    for (const visit of visits) await warmUp(visit, warmUpSeconds);
    const results = visits.map(() => []);
    for (let round = 0; round < rounds; round++) {
      // There and back: no subject always follows the same one.
      const order = [...visits.keys()];
      for (const i of round % 2 ? order.toReversed() : order) {
        const result = await visitOnce(visits[i], seconds);
        progress(
          `round ${round + 1}/${rounds}  ${visits[i].load}  ${visits[i].name}  ${result.perSecond.toFixed(1)}/s`,
        );
        results[i].push(result);
      }
    }
    return sectionsOf(loads, visits, results);
  } finally {
    await Promise.all(running.map(({ stop }) => stop()));
  }
}

async function start({ name, needsPostgres, start }, postgres) {
  progress(`start ${name}`);
  return { name, ...(await start(needsPostgres ? await postgres.createDatabase() : undefined)) };
}

async function warmUp({ load: loadName, name, prepare }, seconds) {
  progress(`warm up  ${loadName}  ${name}`);
  const load = await prepare();
  if (!load.count) await checkLoad(load);
  if (loadName === 'guarded') await refusesStrangers(load);
  if (!load.slow) await sendLoad(load, seconds);
}

async function visitOnce({ prepare }, seconds) {
  const load = await prepare();
  const duration = load.slow ? Math.max(SLOW.atLeastSeconds, SLOW.factor * seconds) : seconds;
  return load.count ? { perSecond: await load.count(duration) } : sendLoad(load, duration);
}

function medianOf(results, member, name) {
  const values = results.map((result) => result[member]).filter((value) => value !== undefined);
  return values.length ? { [name]: median(values) } : {};
}

function sectionsOf(loads, visits, results) {
  const lineOf = (load, name) => {
    const i = visits.findIndex((visit) => visit.load === load && visit.name === name);
    if (i < 0) return undefined;
    const perRound = results[i].map(({ perSecond }) => perSecond);
    return line(name, perRound, { ...medianOf(results[i], 'p99', 'p99Ms'), ...medianOf(results[i], 'cpuUs', 'cpuUs') });
  };
  return loads.map((load) => ({
    key: load,
    title: TITLES[load],
    unit: 'requests per second',
    lines: visits.filter((visit) => visit.load === load).map(({ name }) => lineOf(load, name)),
    ratios: comparisonsOf(load).flatMap(({ name, above, below, loadBelow }) => {
      const sides = [lineOf(load, above), lineOf(loadBelow, below)];
      return sides.every(Boolean) ? [ratio(name, ...sides)] : [];
    }),
  }));
}
