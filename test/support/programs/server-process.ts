import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { TEST_SECRET } from '../app/app.js';
import type { Http } from '../http/http.js';
import { runProgram, type Program } from './programs.js';

export interface ServerProcess {
  http: Http;
  process: Program['process'];
  /** Its working directory, with `.env` and `data/`. */
  folder: string;
  output: () => string;
  /** Sends a signal and waits for the exit; returns the exit code, or the signal that killed it. */
  stop: (signal?: NodeJS.Signals) => ReturnType<Program['end']>;
}

/** The built program as a process of its own, in an empty folder. `npm test` builds it first. */
export async function startServer(env: Record<string, string>): Promise<ServerProcess> {
  const { program, folder, end } = launch({
    APP_SECRET: TEST_SECRET,
    BCRYPT_COST: '4',
    PORT: '0',
    RATE_LIMITS: 'off',
    ...env,
  });
  const stop = (signal: NodeJS.Signals = 'SIGTERM') => end(signal);
  return { http: await program.listens(), process: program.process, folder, output: program.output, stop };
}

/** Runs a program until it exits by itself: for command-line tools, and for servers that must not start. */
export async function runToEnd(env: Record<string, string>, ...command: string[]) {
  const { program, end } = launch(env, command.length > 0 ? command : undefined);
  onTestFinished(() => void program.process.kill('SIGKILL'));
  return { code: await end(), output: program.output() };
}

/** Deletes the folder after the program has exited. */
function launch(env: Record<string, string>, command?: string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-server-'));
  const program = runProgram(folder, env, command);
  const end: Program['end'] = async (signal) => {
    const code = await program.end(signal);
    rmSync(folder, { recursive: true, force: true });
    return code;
  };
  return { program, folder, end };
}
