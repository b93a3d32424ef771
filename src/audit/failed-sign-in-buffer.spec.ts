import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Database } from '../database/database.js';
import { FailedSignInBuffer } from './failed-sign-in-buffer.js';
import type { NewSecurityEvent, SecurityEvents } from './security-events.js';

const ORIGIN = { ip: '192.0.2.1', userAgent: 'a browser' };
const MAX = 2000;

describe('the buffer of failed sign-ins', () => {
  let recorded: NewSecurityEvent[];
  let isAway: boolean;
  let buffer: FailedSignInBuffer;
  beforeEach(() => {
    vi.useFakeTimers();
    recorded = [];
    isAway = false;
    const recordAll = async (events: NewSecurityEvent[]) => {
      if (isAway) throw new Error('the database is away');
      recorded.push(...events);
    };
    buffer = new FailedSignInBuffer({ recordAll } as unknown as SecurityEvents, {} as Database);
    vi.spyOn(buffer['logger'], 'warn').mockImplementation(() => {});
  });
  afterEach(() => vi.useRealTimers());

  const attemptsOf = (userId: string) =>
    recorded.filter((event) => event.userId === userId).map(({ details }) => details!['attempts']);

  it('writes within a second, one event for each account and address', async () => {
    for (let i = 0; i < 3; i++) buffer.add('ada', ORIGIN);
    buffer.add('ada', { ...ORIGIN, ip: '192.0.2.2' });
    buffer.add('eve', ORIGIN);
    expect(recorded).toEqual([]);
    await vi.advanceTimersByTimeAsync(1000);
    expect(recorded[0]).toEqual({ type: 'sign_in_failed', userId: 'ada', origin: ORIGIN, details: { attempts: 3 } });
    expect([attemptsOf('ada'), attemptsOf('eve')]).toEqual([[3, 1], [1]]);
    await vi.advanceTimersByTimeAsync(5000);
    expect(recorded).toHaveLength(3);
  });

  it('writes what is left at a shutdown', async () => {
    buffer.add('ada', ORIGIN);
    await buffer.onApplicationShutdown();
    expect(attemptsOf('ada')).toEqual([1]);
  });

  it('keeps failures while the database is unavailable, and adds later ones', async () => {
    isAway = true;
    buffer.add('ada', ORIGIN);
    await vi.advanceTimersByTimeAsync(1000);
    buffer.add('ada', ORIGIN);
    buffer.add('eve', ORIGIN);
    await vi.advanceTimersByTimeAsync(3000);
    expect(recorded).toEqual([]);
    isAway = false;
    await vi.advanceTimersByTimeAsync(1000);
    expect([attemptsOf('ada'), attemptsOf('eve')]).toEqual([[2], [1]]);
  });

  it('stays bounded in a flood, also through an outage, and logs how many it dropped', async () => {
    isAway = true;
    for (let second = 0; second < 3; second++) {
      for (let i = 0; i < MAX + 10; i++) buffer.add(`user-${second}-${i}`, ORIGIN);
      await vi.advanceTimersByTimeAsync(1000);
      expect(buffer['buffered'].size).toBe(MAX);
    }
    isAway = false;
    await vi.advanceTimersByTimeAsync(1000);
    expect(recorded).toHaveLength(MAX);
    expect(buffer['logger'].warn).toHaveBeenCalledWith(expect.stringMatching(/^\d+ failed sign-ins are not in/));
  });
});
