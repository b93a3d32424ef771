import { describe, expect, it } from 'vitest';
import { ACCOUNT_POLICY, countFailure, decideAttempt, delayAfter, DEVICE_POLICY } from './throttle.js';

const NOW = 1_764_500_000_000;
const after = (failures: number, msAgo: number) => ({ failures, lastAttemptAt: NOW - msAgo });

describe('the throttle of password guesses', () => {
  it('allows the first five failures without a delay', () => {
    expect(decideAttempt(null, NOW, ACCOUNT_POLICY)).toEqual({ kind: 'allow' });
    for (const failures of [0, 1, 4]) {
      expect(decideAttempt(after(failures, 0), NOW, ACCOUNT_POLICY)).toEqual({ kind: 'allow' });
    }
  });

  it.each([
    [5, 1000],
    [6, 2000],
    [7, 4000],
    [10, 32_000],
    [16, 2_048_000],
    [17, 3_600_000],
    [99, 3_600_000],
  ])('delays the next attempt after %i failures by %i ms, to the millisecond', (failures, delay) => {
    const decide = (msAgo: number) => decideAttempt(after(failures, msAgo), NOW, ACCOUNT_POLICY);
    expect(decide(0)).toEqual({ kind: 'delay', retryAfterMs: delay });
    expect(decide(delay - 1)).toEqual({ kind: 'delay', retryAfterMs: 1 });
    expect(decide(delay)).toEqual({ kind: 'allow' });
    expect(delayAfter(failures, ACCOUNT_POLICY)).toBe(delay);
  });

  it('stops after 100 failures, for ever', () => {
    for (const msAgo of [0, 3_600_000, 400 * 86_400_000]) {
      expect(decideAttempt(after(100, msAgo), NOW, ACCOUNT_POLICY)).toEqual({ kind: 'stop' });
    }
  });

  it('stops a known device after 10 failures', () => {
    expect(decideAttempt(after(9, 16_000), NOW, DEVICE_POLICY)).toEqual({ kind: 'allow' });
    expect(decideAttempt(after(10, 400 * 86_400_000), NOW, DEVICE_POLICY)).toEqual({ kind: 'stop' });
  });

  it('does not prolong a delay when the clock goes back', () => {
    expect(decideAttempt(after(5, -86_400_000), NOW, ACCOUNT_POLICY)).toEqual({ kind: 'delay', retryAfterMs: 1000 });
  });

  it('counts failures, with the time of the last attempt', () => {
    expect(countFailure(null, NOW)).toEqual(after(1, 0));
    expect(countFailure(after(98, 5), NOW)).toEqual(after(99, 0));
  });

  it('allows at most 100 guesses in 83 hours to whoever waits as long as needed', () => {
    let state = null as Parameters<typeof decideAttempt>[0];
    let now = NOW;
    let guesses = 0;
    for (let step = 0; step < 1000; step++) {
      const decision = decideAttempt(state, now, ACCOUNT_POLICY);
      if (decision.kind === 'stop') break;
      if (decision.kind === 'delay') now += decision.retryAfterMs;
      else {
        guesses += 1;
        state = countFailure(state, now);
      }
    }
    expect(guesses).toBe(100);
    expect(now - NOW).toBeGreaterThan(83 * 3_600_000);
  });
});
