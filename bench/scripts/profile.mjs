import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { refreshLoad } from '../peers/latchkey/subject.mjs';
import { CHEAP_COST, isHello } from '../peers/subject.mjs';
import { figure } from '../report/table.mjs';
import { flameGraph } from '../report/flame-graph.mjs';
import { partsOf, stacksOf } from '../support/cpu-profile.mjs';
import { newFolder } from '../support/folders.mjs';
import { register, startLatchkey, STRICT } from '../support/latchkey.mjs';
import { checkLoad, sendLoad } from '../support/load.mjs';
import { buildLatchkey } from '../support/prepare.mjs';
import { requireWrk } from '../support/wrk.mjs';

/**
 * Where the CPU time of the main thread goes: microseconds by part for each request, and a flame graph.
 * `node bench/scripts/profile.mjs open|guarded|refresh [--seconds N] [--svg FILE]`
 */
const { values: options, positionals } = parseArgs({
  options: { seconds: { type: 'string', default: '8' }, svg: { type: 'string' } },
  allowPositionals: true,
});
const [what = 'guarded'] = positionals;
const LOADS = { open: helloLoad, guarded: helloLoad, refresh: refreshLoad };
const TWO_ROUTES = new URL('../peers/latchkey/two-routes.mjs', import.meta.url);
const WARM_UP_SECONDS = 3;

if (!LOADS[what]) throw new Error(`open, guarded or refresh, not ${what}`);
await requireWrk();
buildLatchkey();
const folder = newFolder();
const profiling = ['--cpu-prof', `--cpu-prof-dir=${folder}`, '--cpu-prof-interval=200'];
const server = await startLatchkey({ ...STRICT, BCRYPT_COST: CHEAP_COST }, TWO_ROUTES, profiling);
const load = await LOADS[what](server.url);
await checkLoad(load);
await sendLoad(load, WARM_UP_SECONDS);
const measured = what === 'refresh' ? await refreshLoad(server.url) : load;
const from = microseconds();
const { requests, perSecond } = await sendLoad(measured, Number(options.seconds));
const to = microseconds();
await server.stop();

const [file] = readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'));
const stacks = stacksOf(JSON.parse(readFileSync(join(folder, file), 'utf8')), { from, to });
print(partsOf(stacks));
if (options.svg) {
  mkdirSync(join(options.svg, '..'), { recursive: true });
  writeFileSync(options.svg, flameGraph(stacks, `${what}: CPU time of the main thread`));
}

async function helloLoad(url) {
  const { access_token } = await register(url);
  return { url, path: `/two/${what}`, headers: { Authorization: `Bearer ${access_token}` }, expects: isHello };
}

/** The clock of a profile: monotonic, and the same for all processes of the machine. */
function microseconds() {
  return Number(process.hrtime.bigint() / 1000n);
}

function print(parts) {
  const total = [...parts.values()].reduce((sum, time) => sum + time, 0);
  console.log(`${what}: ${figure(perSecond)} a second, profiled; µs of the main thread for each request`);
  for (const [name, time] of [...parts, ['all', total]]) {
    console.log(
      `  ${name.padEnd(34)} ${(time / requests).toFixed(1).padStart(7)}  ${((100 * time) / total).toFixed(1).padStart(5)} %`,
    );
  }
}
