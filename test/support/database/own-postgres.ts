import { childrenOf } from '../programs/child-processes.js';
import { embeddedPostgres } from './postgres-server.js';

/** A PostgreSQL server for one test file, which can stop, start and pause it. */
export interface OwnPostgres {
  /** For DATABASE_URL. */
  url: string;
  start: () => Promise<void>;
  stop: () => Promise<void>;
  /** From now on the server is silent, and its connections stay open. */
  pause: () => void;
  resume: () => void;
  /** Stops it, paused or not, and deletes its data. */
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
      // The parent first, so that it starts no more children.
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

/** A child may have exited in the meantime. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
