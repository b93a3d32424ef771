import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let all;

/** An empty folder, which is removed when this process ends. */
export function newFolder() {
  if (!all) {
    all = mkdtempSync(join(tmpdir(), 'latchkey-bench-'));
    process.on('exit', () => rmSync(all, { recursive: true, force: true, maxRetries: 5 }));
  }
  return mkdtempSync(join(all, 'folder-'));
}
