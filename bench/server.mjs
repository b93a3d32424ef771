import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const DEFAULTS = {
  PATH: process.env.PATH,
  APP_SECRET: 'a secret of the benchmarks and of nothing else',
  PORT: '0',
  // One address sends more than any limit allows.
  RATE_LIMITS: 'off',
};

/** The built program, or another file, in an empty folder, on a port of its own. */
export async function startServer(env = {}, file = 'dist/src/main.js') {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-bench-'));
  const child = spawn(process.execPath, [resolve(file)], {
    cwd: folder,
    env: { ...DEFAULTS, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await new Promise((found, failed) => {
    let text = '';
    child.stdout.on('data', (chunk) => {
      if (text.length > 10_000) return;
      text += chunk;
      const match = /is running at (http:\/\/\S+) /.exec(text);
      if (match) found(match[1]);
    });
    child.on('exit', (code) => failed(new Error(`The server exited with ${code}`)));
  });
  const closed = new Promise((done) => child.on('close', done));
  return {
    url,
    folder,
    stop: async () => {
      child.kill('SIGTERM');
      await closed;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function post(url, path, json) {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(json),
  });
  return { status: response.status, body: await response.json() };
}

let users = 0;
export const PASSWORD = 'a long enough passphrase';

export async function register(url) {
  const email = `bench-${process.pid}-${users++}@example.com`;
  const { status, body } = await post(url, '/auth/register', { email, password: PASSWORD });
  if (status !== 201) throw new Error(`register: ${status} ${JSON.stringify(body)}`);
  return { email, ...body };
}
