import { parseArgs } from 'node:util';

/** What `--only` names. The first seven are loads, measured in the same rounds. */
export const LOADS = ['open', 'guarded', 'many-tokens', 'new-tokens', 'whoami', 'refresh', 'login'];
export const MEASURES = [...LOADS, 'start-up', 'memory', 'table-size', 'processes'];

const HELP = `npm run bench -- [options]

  --only LIST       of ${MEASURES.join(', ')}
  --subjects LIST   only those whose name contains one of these words: --subjects latchkey,fastify
  --rounds N        rounds, each of which visits every subject once (3)
  --seconds N       duration of one load (5)
  --table-rows LIST rows of the table of sessions (1000,100000,2000000)
  --sessions N      of the measure of memory (100000)
  --publish         also writes the picture to docs/images/benchmarks.svg
  --help

DATABASE_URL names a PostgreSQL and a role that may create databases; otherwise one is started for the run.`;

/** @returns {{loads: string[], measures: Set<string>, words: string[], rounds: number, seconds: number, tableRows: number[], sessions: number, publish: boolean}} */
export function readOptions() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: MEASURES.join(',') },
      subjects: { type: 'string', default: '' },
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '5' },
      'table-rows': { type: 'string', default: '1000,100000,2000000' },
      sessions: { type: 'string', default: '100000' },
      publish: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    process.exit();
  }
  const measures = new Set(listOf(values.only));
  for (const name of measures)
    if (!MEASURES.includes(name)) throw new Error(`--only ${name}: there are ${MEASURES.join(', ')}`);
  return {
    measures,
    loads: LOADS.filter((load) => measures.has(load)),
    words: listOf(values.subjects.toLowerCase()),
    rounds: positive('rounds', values.rounds),
    seconds: positive('seconds', values.seconds),
    tableRows: listOf(values['table-rows']).map((rows) => positive('table-rows', rows)),
    sessions: positive('sessions', values.sessions),
    publish: values.publish,
  };
}

function listOf(text) {
  return text.split(',').filter(Boolean);
}

function positive(name, text) {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new Error(`--${name} ${text}: a whole number above 0 is wanted`);
  return number;
}
