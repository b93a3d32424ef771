import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadOrCreateSecret } from './app-secret.js';

const fs = vi.hoisted(() => ({ blind: false }));
vi.mock('node:fs', async (original) => {
  const real = await original<typeof import('node:fs')>();
  return { ...real, existsSync: (path: string) => !fs.blind && real.existsSync(path) };
});

describe('loadOrCreateSecret', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'latchkey-secret-'));
    file = join(folder, 'data', 'app-secret');
  });
  afterEach(() => {
    fs.blind = false;
    rmSync(folder, { recursive: true });
  });

  it('creates 384 random bits once, readable by their owner alone with any umask', () => {
    const umask = process.umask(0);
    const first = loadOrCreateSecret(file);
    process.umask(umask);
    expect(first).toEqual({ secret: expect.stringMatching(/^[\w-]{64}$/), made: true });
    expect([statSync(file).mode & 0o777, statSync(join(folder, 'data')).mode & 0o777]).toEqual([0o600, 0o700]);
    expect(loadOrCreateSecret(file)).toEqual({ secret: first.secret, made: false });
    expect(readdirSync(join(folder, 'data'))).toEqual(['app-secret']);
  });

  it('takes the secret that another process has created in parallel', () => {
    const { secret } = loadOrCreateSecret(file);
    fs.blind = true;
    expect(loadOrCreateSecret(file)).toEqual({ secret, made: false });
    expect(readFileSync(file, 'utf8').trim()).toBe(secret);
    expect(readdirSync(join(folder, 'data'))).toEqual(['app-secret']);
  });

  it('never changes an existing file, even an empty one', () => {
    loadOrCreateSecret(file);
    writeFileSync(file, '');
    expect(loadOrCreateSecret(file)).toEqual({ secret: '', made: false });
  });
});
