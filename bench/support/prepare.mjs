import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { progress } from './progress.mjs';

const PROJECT = new URL('../../', import.meta.url);
const BENCH = new URL('../', import.meta.url);

/** Installs what the peers need, into this folder alone. */
export function installPeers() {
  const { dependencies } = JSON.parse(readFileSync(new URL('package.json', BENCH), 'utf8'));
  const isMissing = (name) => !existsSync(new URL(`node_modules/${name}/package.json`, BENCH));
  if (Object.keys(dependencies).some(isMissing)) run('npm', ['ci', '--no-audit', '--no-fund'], BENCH);
}

/** Builds Latchkey, where it is not built. */
export function buildLatchkey() {
  if (!existsSync(new URL('dist/src/main.js', PROJECT))) run('npm', ['run', 'build'], PROJECT);
}

/** Output goes to stderr: stdout is for the results. */
export function run(command, args, folder) {
  progress([command, ...args].join(' '));
  const { status, error } = spawnSync(command, args, { cwd: fileURLToPath(folder), stdio: ['ignore', 2, 2] });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: exited with ${status}`);
}
