import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { TEST_SECRET } from './app.js';
import { trackedApi } from './documented.js';
import { Http } from './http.js';

const MAIN = resolve('dist/src/main.js');

export interface ServerProcess {
  http: Http;
  process: ChildProcess;
  /** The folder it runs in: `.env` and `data/` are looked for there. */
  folder: string;
  output: () => string;
  /** Sends a signal and waits for the end; answers the exit code. */
  stop: (signal?: NodeJS.Signals) => Promise<number | null>;
}

/** The built program as a process of its own, in an empty folder. `npm test` builds it first. */
export async function startServer(env: Record<string, string>): Promise<ServerProcess> {
  const run = launch({ APP_SECRET: TEST_SECRET, BCRYPT_COST: '4', PORT: '0', ...env });
  const url = await new Promise<string>((found, failed) => {
    run.process.stdout!.on('data', () => {
      const match = /listens on (http:\/\/[^,]+),/.exec(run.output());
      if (match) found(match[1]!);
    });
    run.ended.then(
      (code) => failed(new Error(`The server ended with ${code}:\n${run.output()}`)),
      (error: unknown) => failed(error as Error),
    );
  });
  return {
    ...run,
    http: new Http(url, trackedApi()),
    stop: async (signal = 'SIGTERM') => {
      run.process.kill(signal);
      const code = await run.ended;
      rmSync(run.folder, { recursive: true, force: true });
      return code;
    },
  };
}

/** Starts the program and waits for it to end by itself: for starts that must fail. */
export async function runToEnd(env: Record<string, string>): Promise<{ code: number | null; output: string }> {
  const run = launch(env);
  const timer = setTimeout(() => run.process.kill('SIGKILL'), 20_000);
  const code = await run.ended;
  clearTimeout(timer);
  rmSync(run.folder, { recursive: true, force: true });
  return { code, output: run.output() };
}

function launch(env: Record<string, string>) {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-server-'));
  // Nothing of this process's environment but what a program needs to run at all.
  const inherited = { PATH: process.env['PATH'] ?? '', HOME: folder };
  const child = spawn(process.execPath, [MAIN], { cwd: folder, env: { ...inherited, ...env } });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += String(chunk)));
  const ended = new Promise<number | null>((done) => child.on('close', (code) => done(code)));
  return { process: child as ChildProcess, folder, output: () => text, ended };
}
