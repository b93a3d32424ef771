import { spawn, type ChildProcess } from 'node:child_process';
import { resolve } from 'node:path';
import { trackedApi } from './documented.js';
import { Http } from './http.js';

export interface Program {
  process: ChildProcess;
  stdout: () => string;
  stderr: () => string;
  /** Both, as they came. */
  output: () => string;
  /** Resolves when one of the two streams says so; rejects when the program ends before. */
  says: (what: RegExp) => Promise<RegExpExecArray>;
  /** Resolves when it serves. */
  listens: () => Promise<Http>;
  /** Sends a signal, if one is given, and waits for the end; answers the exit code, or the signal that ended it. */
  end: (signal?: NodeJS.Signals) => Promise<number | NodeJS.Signals | null>;
}

/**
 * The built program in a folder that is there before and after it, with nothing but these in its environment. For
 * most tests `startServer` does more.
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
  const says = (what: RegExp) =>
    new Promise<RegExpExecArray>((found, failed) => {
      const look = () => {
        const match = what.exec(text.stdout) ?? what.exec(text.stderr);
        if (match) found(match);
      };
      listeners.add(look);
      look();
      void ended.then((code) => failed(new Error(`It ended with ${code}:\n${text.both}`)));
    });
  return {
    process: child,
    stdout: () => text.stdout,
    stderr: () => text.stderr,
    output: () => text.both,
    says,
    listens: async () => new Http((await says(/is running at (http:\/\/\S+) /))[1]!, trackedApi()),
    end: async (signal) => {
      if (signal) child.kill(signal);
      return ended;
    },
  };
}
