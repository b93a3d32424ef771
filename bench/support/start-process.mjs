import { spawn } from 'node:child_process';

const START_DEADLINE_MS = 30_000;
const STOP_DEADLINE_MS = 20_000;
/** What the servers print: "is running at URL", "ready at URL", and uvicorn's "running on URL". */
const ANNOUNCEMENT = /(?:running|ready) (?:at|on) (http:\/\/[^\s(]+)/;

const running = new Set();
const pids = new Map();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/**
 * Starts a server as a process of its own, and waits until it prints its address.
 *
 * @param {{command?: string, args: string[], cwd?: string, env?: Record<string, string | undefined>}} options
 * @returns {Promise<{url: string, pid: number, stop: () => Promise<void>}>}
 */
export async function startProcess({ command = process.execPath, args, cwd, env = {} }) {
  const child = spawn(command, args, {
    cwd,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  const closed = new Promise((done) => child.on('close', done)).then(() => running.delete(child));
  const url = await announcedUrl(child, args);
  pids.set(url, child.pid);
  return {
    url,
    pid: child.pid,
    async stop() {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
      await closed;
      clearTimeout(timer);
    },
  };
}

/** The process that was started there; undefined where it is none of ours. */
export function pidAt(url) {
  return pids.get(url);
}

/** Keeps reading afterwards: a server must not wait for a full pipe. */
function announcedUrl(child, args) {
  return new Promise((found, failed) => {
    let output = '';
    const fail = (why) => failed(new Error(`${args.join(' ')}: ${why}\n${output}`));
    const timer = setTimeout(() => fail('no address was printed'), START_DEADLINE_MS);
    const read = (chunk) => {
      if (output.length > 20_000) return;
      output += chunk;
      const [, url] = ANNOUNCEMENT.exec(output) ?? [];
      if (url) {
        clearTimeout(timer);
        found(url);
      }
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('error', failed);
    child.on('exit', (code) => fail(`exited with ${code}`));
  });
}
