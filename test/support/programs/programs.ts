import { spawn, type ChildProcess } from 'node:child_process';
import { resolve } from 'node:path';
import { trackedApi } from '../http/documented.js';
import { Http } from '../http/http.js';

export interface Program {
  process: ChildProcess;
  stdout: () => string;
  stderr: () => string;
  /** Both streams, in the order of arrival. */
  output: () => string;
  /** Resolves when one of the two streams matches; rejects when the program exits before. */
  prints: (what: RegExp) => Promise<RegExpExecArray>;
  /** Resolves when the server listens. */
  listens: () => Promise<Http>;
  /** Sends the signal, if given, and waits for the exit; returns the exit code, or the signal that killed it. */
  end: (signal?: NodeJS.Signals) => Promise<number | NodeJS.Signals | null>;
}

/**
 * Runs the built program in an existing folder with only these environment variables. Most tests use `startServer`.
 *
 * @param command the program's file, as it was built, and its arguments
 */
export function runProgram(folder: string, env: Record<string, string>, command: string[] = ['main.js']): Program {
  const [file, ...args] = command as [string, ...string[]];
  const inherited = { PATH: process.env['PATH'] ?? '', HOME: folder };
  const child = spawn(process.execPath, [resolve('dist/src', file), ...args], {
    cwd: folder,
    env: { ...inherited, ...env },
  });
  const text = { stdout: '', stderr: '', both: '' };
  const listeners = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (chunk: Buffer) => {
      text[name] += String(chunk);
      text.both += String(chunk);
      listeners.forEach((listener) => listener());
    });
  }
  const ended = new Promise<number | NodeJS.Signals | null>((done) => {
    child.on('close', (code, signal) => done(code ?? signal));
  });
  const prints = (what: RegExp) =>
    new Promise<RegExpExecArray>((found, failed) => {
      const look = () => {
        const match = what.exec(text.stdout) ?? what.exec(text.stderr);
        if (match) found(match);
      };
      listeners.add(look);
      look();
      void ended.then((code) => failed(new Error(`It exited with ${code}:\n${text.both}`)));
    });
  return {
    process: child,
    stdout: () => text.stdout,
    stderr: () => text.stderr,
    output: () => text.both,
    prints,
    listens: async () => new Http((await prints(/is running at (http:\/\/\S+) /))[1]!, trackedApi()),
    end: async (signal) => {
      if (signal) child.kill(signal);
      return ended;
    },
  };
}
