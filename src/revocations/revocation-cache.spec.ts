import { randomUUID } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { RevocationCache, STALE_AFTER_MS } from './revocation-cache.js';

const NOW = 1_800_000_000_000;
const MINUTE = 60_000;
const token = (tokenVersion: number = 1) => ({ sessionId: 's', userId: 'u', tokenVersion });
const session = (id: string, until: number) => ({ subject: `session:${id}`, tokenVersion: 0, until });
const user = (tokenVersion: number, until: number) => ({ subject: 'user:u', tokenVersion, until });

describe('what a process knows of endings', () => {
  it('ends the tokens of a session, and of a user those that are older than the change', () => {
    const memory = new RevocationCache();
    expect(memory.find(token())).toBeNull();
    memory.insert([user(3, NOW + MINUTE)], NOW);
    expect([1, 2, 3, 4].map((tokenVersion) => memory.find(token(tokenVersion)))).toEqual([
      'access_token_outdated',
      'access_token_outdated',
      null,
      null,
    ]);
    memory.insert([user(2, NOW + MINUTE)], NOW);
    expect(memory.find(token(2))).toBe('access_token_outdated');
    memory.insert([session('s', NOW + MINUTE)], NOW);
    expect(memory.find(token(4))).toBe('session_revoked');
  });

  it('is kept for as long as it matters, and no longer', () => {
    const memory = new RevocationCache();
    memory.insert([session('s', NOW + 10 * MINUTE), session('t', NOW + MINUTE), user(2, NOW + MINUTE)], NOW);
    memory.insert([], NOW + 5 * MINUTE);
    expect(memory.size).toBe(1);
    expect(memory.find(token())).toBe('session_revoked');
    memory.insert([session('s', NOW + 2 * MINUTE)], NOW + 5 * MINUTE);
    memory.insert([], NOW + 9 * MINUTE);
    expect(memory.find(token())).toBe('session_revoked');
    memory.insert([], NOW + 11 * MINUTE);
    expect(memory.size).toBe(0);
  });

  it('forgets a change of a user that the database knows no more once it was read again, and no ended session', () => {
    const memory = new RevocationCache();
    memory.insert([user(3, NOW + MINUTE), session('s', NOW + MINUTE)], NOW);
    const begun = memory.beginReload();
    memory.insert([user(2, NOW + MINUTE)], NOW);
    memory.endReload(begun);
    expect([1, 2].map((tokenVersion) => memory.find({ ...token(tokenVersion), sessionId: 't' }))).toEqual([
      'access_token_outdated',
      null,
    ]);
    memory.endReload(memory.beginReload());
    expect(memory.find({ ...token(1), sessionId: 't' })).toBeNull();
    expect(memory.find(token())).toBe('session_revoked');
  });

  it('keeps what it hears of while it reads again', () => {
    const memory = new RevocationCache();
    const begun = memory.beginReload();
    memory.insert([user(4, NOW + MINUTE)], NOW);
    memory.insert([user(3, NOW + MINUTE)], NOW);
    memory.endReload(begun);
    expect(memory.find(token(3))).toBe('access_token_outdated');
  });

  it('costs less than 150 MB for a million endings', { timeout: 60_000 }, () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const memory = new RevocationCache();
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let page = 0; page < 100; page++) {
      const rows = Array.from({ length: 10_000 }, () => session(randomUUID(), NOW + MINUTE + page));
      memory.insert(JSON.parse(JSON.stringify(rows)) as typeof rows, NOW);
    }
    collect();
    const mb = (process.memoryUsage().heapUsed - before) / 1e6;
    expect(memory.size).toBe(1_000_000);
    expect(mb).toBeGreaterThan(30);
    expect(mb).toBeLessThan(150);
  });
});

describe('the trust in that', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is there from the first word of whoever feeds it, and ends by itself when there is no other', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const memory = new RevocationCache();
    expect(memory.isFresh).toBe(false);
    memory.markSyncedUntil(performance.now());
    expect(memory.isFresh).toBe(true);
    vi.advanceTimersByTime(STALE_AFTER_MS - 1);
    expect(memory.isFresh).toBe(true);
    vi.advanceTimersByTime(1);
    expect(memory.isFresh).toBe(false);
  });

  it('goes by the moment that the word is about, however late it comes', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const memory = new RevocationCache();
    const then = performance.now();
    vi.advanceTimersByTime(STALE_AFTER_MS);
    memory.markSyncedUntil(then);
    expect(memory.isFresh).toBe(false);
  });

  it('ends when something may have been missed', () => {
    const memory = new RevocationCache();
    memory.markSyncedUntil(performance.now());
    memory.markStale();
    expect(memory.isFresh).toBe(false);
  });

  it('is as old as the moment up to which everything is known, also once it has ended', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const memory = new RevocationCache();
    vi.advanceTimersByTime(MINUTE);
    const then = performance.now();
    vi.advanceTimersByTime(200);
    memory.markSyncedUntil(then);
    expect(memory.lagMs).toBe(200);
    memory.markStale();
    vi.advanceTimersByTime(MINUTE);
    expect(memory.lagMs).toBe(MINUTE + 200);
  });
});
