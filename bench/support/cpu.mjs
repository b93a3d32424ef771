import { readFileSync } from 'node:fs';

/** USER_HZ: what the clock ticks of `/proc` are in on Linux, on every architecture. */
const TICKS_PER_SECOND = 100;

/**
 * The CPU time that a process has used, all its threads together, in microseconds. It depends less than a throughput on what
 * else the machine does. Undefined where there is no `/proc`.
 */
export function cpuMicroseconds(pid) {
  try {
    const [, rest] = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ');
    const [user, system] = rest.split(' ').slice(11, 13).map(Number);
    return ((user + system) * 1e6) / TICKS_PER_SECOND;
  } catch {
    return undefined;
  }
}
