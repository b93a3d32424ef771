import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import { runProgram, type Program } from './programs.js';

/** For each test of a file, an empty folder to run the program in; both are gone afterwards. */
export function programFolder() {
  let programs: Program[];
  let umask: number;
  const folder = { path: '', run, failureOf, modeOf };
  beforeEach(() => {
    // Modes must not depend on it.
    umask = process.umask(0);
    folder.path = mkdtempSync(join(tmpdir(), 'latchkey-boot-'));
    programs = [];
  });
  afterEach(async () => {
    await Promise.all(programs.map((program) => program.end('SIGKILL')));
    rmSync(folder.path, { recursive: true });
    process.umask(umask);
  });

  function run(env: Record<string, string>): Program {
    const program = runProgram(folder.path, { BCRYPT_COST: '4', PORT: '0', RATE_LIMITS: 'off', ...env });
    programs.push(program);
    return program;
  }

  /** The error of a failed start: exit code 78, no stack trace, no secret. */
  async function failureOf(env: Record<string, string>): Promise<string> {
    const program = run(env);
    // A permanent error is not retried.
    void program.prints(/trying again/).then(
      () => program.end('SIGKILL'),
      () => {},
    );
    expect(await program.end()).toBe(78);
    expect(program.stdout() + program.stderr()).not.toMatch(/\n\s+at |\\n\s+at |node_modules|\.js:\d|hunter2/);
    return program.stderr();
  }

  function modeOf(name: string): string {
    return (statSync(join(folder.path, name)).mode & 0o777).toString(8);
  }
  return folder;
}
