import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** @typedef {{perSecond: number, requests: number, p99: number, failed: number, errors: string}} Result p99 in milliseconds */

/**
 * Runs `wrk` and reads what it says.
 *
 * @returns {Promise<Result>}
 */
export async function wrk(
  url,
  { connections = 32, threads = 1, seconds = 5, timeoutSeconds = 10, script, headers = {}, env = {} },
) {
  const options = [`-c${connections}`, `-t${threads}`, `-d${seconds}s`, '--latency', '--timeout', `${timeoutSeconds}s`];
  for (const [name, value] of Object.entries(headers)) options.push('-H', `${name}: ${value}`);
  if (script) options.push('-s', script);
  const { stdout } = await run('wrk', [...options, url], { env: { ...process.env, ...env } });
  const [, failed = '0'] = /Non-2xx or 3xx responses: (\d+)/.exec(stdout) ?? [];
  const [, errors = ''] = /Socket errors: (.*)/.exec(stdout) ?? [];
  return {
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)[1]),
    requests: Number(/(\d+) requests in/.exec(stdout)[1]),
    p99: milliseconds(/99%\s+([\d.]+)(us|ms|s|m)/.exec(stdout)),
    failed: Number(failed),
    errors,
  };
}

/** @throws if there is no wrk */
export async function requireWrk() {
  await run('wrk', ['--version']).catch((error) => {
    // It prints its version and exits with 1.
    if (error.code !== 'ENOENT') return;
    throw new Error(
      'wrk is not installed, the load generator of the benchmarks. On Debian and Ubuntu: apt-get install wrk',
    );
  });
}

function milliseconds([, value, unit]) {
  return Number(value) * { us: 0.001, ms: 1, s: 1000, m: 60_000 }[unit];
}
