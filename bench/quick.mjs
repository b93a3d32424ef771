import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { measureThroughput } from './measures/throughput.mjs';
import { bare, bareNestJwt } from './peers/bare/subject.mjs';
import { latchkeySqlite } from './peers/latchkey/subject.mjs';
import { machine } from './support/machine.mjs';
import { buildLatchkey } from './support/prepare.mjs';
import { requireWrk } from './support/wrk.mjs';

/**
 * The few main ratios, in less than a minute, for CI: exits with 1 if one is below half of what `recorded.json` says. Each is
 * the best round of one side over the best of the other: what else runs on the machine can only slow a round down.
 * `--record` writes that file. It needs the main installation and wrk, nothing else.
 */
const RECORDED = new URL('recorded.json', import.meta.url);
const ROUNDS = 4;
const SECONDS = 1;
/** What is above the line, and what is below it: a load and a subject. */
const RATIOS = {
  'open / Fastify alone': [open(latchkeySqlite), open(bare)],
  'guarded / Fastify that verifies a JWT': [guarded(latchkeySqlite), guarded(bareNestJwt)],
  'guarded / open': [guarded(latchkeySqlite), open(latchkeySqlite)],
  'refreshes / Fastify that commits each rotation': [refreshes(latchkeySqlite), refreshes(bareNestJwt)],
};

const { values: options } = parseArgs({ options: { record: { type: 'boolean', default: false } } });
await requireWrk();
buildLatchkey();
const subjects = [latchkeySqlite, bare, bareNestJwt];
const duration = { rounds: ROUNDS, seconds: SECONDS, warmUpSeconds: 2 };
const sections = await measureThroughput(subjects, ['open', 'guarded', 'refresh'], duration);
const measured = Object.entries(RATIOS).map(([name, [above, below]]) => ({
  name,
  ratio: bestOf(above) / bestOf(below),
}));
if (options.record) record();
else process.exitCode = compare() ? 0 : 1;

function compare() {
  const { date, ratios } = JSON.parse(readFileSync(RECORDED, 'utf8'));
  const failed = measured.filter(({ name, ratio }) => !(ratio >= ratios[name] / 2));
  for (const { name, ratio } of measured)
    console.log(`${name.padEnd(48)} ${ratio.toFixed(3)}, recorded ${ratios[name]} on ${date}`);
  for (const { name } of failed) console.error(`${name}: below half of the recorded ratio`);
  return failed.length === 0;
}

function record() {
  const ratios = Object.fromEntries(measured.map(({ name, ratio }) => [name, Number(ratio.toFixed(3))]));
  const json = { date: new Date().toISOString().slice(0, 10), machine: machine(), ratios };
  writeFileSync(RECORDED, `${JSON.stringify(json, null, 2)}\n`);
  console.log(json);
}

function bestOf([load, name]) {
  return sections.find(({ key }) => key === load).lines.find((line) => line.name === name).max;
}

function open({ name }) {
  return ['open', name];
}

function guarded({ name }) {
  return ['guarded', name];
}

function refreshes({ name }) {
  return ['refresh', name];
}
