import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { BCRYPT_COST } from '../subject.mjs';

const COMPARE = fileURLToPath(new URL('compare.mjs', import.meta.url));
const cores = availableParallelism();

/** As many threads as Latchkey gives to passwords: one core stays free for everybody else. @type {import('../subject.mjs').Subject} */
export const bcryptAlone = subject('bcrypt alone, same threads', Math.max(1, Math.min(3, cores - 1)));

/** @type {import('../subject.mjs').Subject} */
export const bcryptOnAllCores = subject('bcrypt alone, all cores', cores);

function subject(name, threads) {
  const count = async (seconds) => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [COMPARE, BCRYPT_COST, threads, seconds].map(String),
    );
    return Number(stdout);
  };
  return { name, start: async () => ({ stop: async () => {}, loads: { login: async () => ({ count, slow: true }) } }) };
}
