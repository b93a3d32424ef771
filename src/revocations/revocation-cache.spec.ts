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

describe('the revocation cache', () => {
  it('finds the revocation of a session, and of a user’s older tokens', () => {
    const cache = new RevocationCache();
    expect(cache.find(token())).toBeNull();
    cache.insert([user(3, NOW + MINUTE)], NOW);
    expect([1, 2, 3, 4].map((tokenVersion) => cache.find(token(tokenVersion)))).toEqual([
      'access_token_outdated',
      'access_token_outdated',
      null,
      null,
    ]);
    cache.insert([user(2, NOW + MINUTE)], NOW);
    expect(cache.find(token(2))).toBe('access_token_outdated');
    cache.insert([session('s', NOW + MINUTE)], NOW);
    expect(cache.find(token(4))).toBe('session_revoked');
  });

  it('drops entries once they have expired', () => {
    const cache = new RevocationCache();
    cache.insert([session('s', NOW + 10 * MINUTE), session('t', NOW + MINUTE), user(2, NOW + MINUTE)], NOW);
    cache.insert([], NOW + 5 * MINUTE);
    expect(cache.size).toBe(1);
    expect(cache.find(token())).toBe('session_revoked');
    cache.insert([session('s', NOW + 2 * MINUTE)], NOW + 5 * MINUTE);
    cache.insert([], NOW + 9 * MINUTE);
    expect(cache.find(token())).toBe('session_revoked');
    cache.insert([], NOW + 11 * MINUTE);
    expect(cache.size).toBe(0);
  });

  it('drops a user’s entry that a reload no longer has, but no revoked session', () => {
    const cache = new RevocationCache();
    cache.insert([user(3, NOW + MINUTE), session('s', NOW + MINUTE)], NOW);
    const begun = cache.beginReload();
    cache.insert([user(2, NOW + MINUTE)], NOW);
    cache.endReload(begun);
    expect([1, 2].map((tokenVersion) => cache.find({ ...token(tokenVersion), sessionId: 't' }))).toEqual([
      'access_token_outdated',
      null,
    ]);
    cache.endReload(cache.beginReload());
    expect(cache.find({ ...token(1), sessionId: 't' })).toBeNull();
    expect(cache.find(token())).toBe('session_revoked');
  });

  it('keeps entries that arrive during a reload', () => {
    const cache = new RevocationCache();
    const begun = cache.beginReload();
    cache.insert([user(4, NOW + MINUTE)], NOW);
    cache.insert([user(3, NOW + MINUTE)], NOW);
    cache.endReload(begun);
    expect(cache.find(token(3))).toBe('access_token_outdated');
  });

  it('takes less than 150 MB for a million revocations', { timeout: 60_000 }, () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const cache = new RevocationCache();
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let page = 0; page < 100; page++) {
      const rows = Array.from({ length: 10_000 }, () => session(randomUUID(), NOW + MINUTE + page));
      cache.insert(JSON.parse(JSON.stringify(rows)) as typeof rows, NOW);
    }
    collect();
    const mb = (process.memoryUsage().heapUsed - before) / 1e6;
    expect(cache.size).toBe(1_000_000);
    expect(mb).toBeGreaterThan(30);
    expect(mb).toBeLessThan(150);
  });
});

describe('the freshness of the revocation cache', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('starts with the first sync, and ends STALE_AFTER_MS after the last', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const cache = new RevocationCache();
    expect(cache.isFresh).toBe(false);
    cache.markSyncedUntil(performance.now());
    expect(cache.isFresh).toBe(true);
    vi.advanceTimersByTime(STALE_AFTER_MS - 1);
    expect(cache.isFresh).toBe(true);
    vi.advanceTimersByTime(1);
    expect(cache.isFresh).toBe(false);
  });

  it('depends on the time of the sync, not on the time of its arrival', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const cache = new RevocationCache();
    const then = performance.now();
    vi.advanceTimersByTime(STALE_AFTER_MS);
    cache.markSyncedUntil(then);
    expect(cache.isFresh).toBe(false);
  });

  it('ends when a notification may have been missed', () => {
    const cache = new RevocationCache();
    cache.markSyncedUntil(performance.now());
    cache.markStale();
    expect(cache.isFresh).toBe(false);
  });

  it('lags by the age of the last sync, also when it has ended', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const cache = new RevocationCache();
    vi.advanceTimersByTime(MINUTE);
    const then = performance.now();
    vi.advanceTimersByTime(200);
    cache.markSyncedUntil(then);
    expect(cache.lagMs).toBe(200);
    cache.markStale();
    vi.advanceTimersByTime(MINUTE);
    expect(cache.lagMs).toBe(MINUTE + 200);
  });
});
