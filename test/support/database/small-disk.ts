import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder on a disk that a test can fill. */
export interface SmallDisk {
  folder: string;
  /** From now on the process with this id cannot write more data. */
  fill: (pid: number) => void;
  makeRoom: (pid: number) => void;
  remove: () => void;
}

/** A file system of 32 megabytes, filled by a file. Needs root on Linux. */
export function smallFileSystem(): SmallDisk {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=32m', 'tmpfs', folder]);
  const filler = join(folder, 'filler');
  return {
    folder,
    fill: () => fillUp(filler),
    makeRoom: () => rmSync(filler),
    remove: () => {
      execFileSync('umount', ['--lazy', folder]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A limit for the size of the process's files: its writes fail too. Needs Linux. */
export function fileSizeLimit(): SmallDisk {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-disk-'));
  const limit = (pid: number, bytes: string) => execFileSync('prlimit', [`--pid=${pid}`, `--fsize=${bytes}:unlimited`]);
  return {
    folder,
    fill: (pid) => void limit(pid, '4096'),
    makeRoom: (pid) => void limit(pid, 'unlimited'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export const canMount = spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', tmpdir()]).status === 0;
export const canLimit = spawnSync('prlimit', ['--fsize=unlimited:unlimited', 'true']).status === 0;

function fillUp(path: string): void {
  const file = openSync(path, 'w');
  try {
    // The last bytes one by one, so that none are left.
    for (const size of [65_536, 4096, 1]) while (wrote(file, size));
  } finally {
    closeSync(file);
  }
}

function wrote(file: number, size: number): boolean {
  try {
    return writeSync(file, Buffer.alloc(size)) === size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    return false;
  }
}
