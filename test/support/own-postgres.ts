import { execFileSync } from 'node:child_process';
import { embeddedPostgres } from './postgres-server.js';

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
  const { server, url, destroy } = await embeddedPostgres(flags);
  let paused: number[] = [];
  const resume = () => {
    for (const pid of paused.splice(0)) signal(pid, 'SIGCONT');
  };
  return {
    url: `${url}/postgres`,
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
      await destroy();
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
