import { execFileSync } from 'node:child_process';

/** The ids of the processes that a process has started, and that have not exited. */
export function childrenOf(parent: number): number[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat='], { encoding: 'utf8' }).trim().split('\n');
  const processes = lines.map((line) => line.trim().split(/\s+/) as [string, string, string]);
  return processes
    .filter(([, ppid, state]) => Number(ppid) === parent && !state.startsWith('Z'))
    .map(([pid]) => Number(pid));
}

export function isRunning(pid: number): boolean {
  const state = () => execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  try {
    return !state().startsWith('Z');
  } catch {
    return false;
  }
}
