import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

export const SECRET_FILE = 'data/app-secret';

/**
 * The secret of a machine without APP_SECRET: created once, in a file that only its owner can read. The file is linked
 * into place, so that two processes that start together agree on one secret.
 */
export function loadOrCreateSecret(file: string = SECRET_FILE): { secret: string; made: boolean } {
  let made = false;
  if (!existsSync(file)) {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const draft = `${file}.${randomBytes(6).toString('hex')}`;
    writeFileSync(draft, `${randomBytes(48).toString('base64url')}\n`, { mode: 0o600 });
    try {
      linkSync(draft, file);
      made = true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      rmSync(draft);
    }
  }
  return { secret: readFileSync(file, 'utf8').trim(), made };
}
