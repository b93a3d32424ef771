import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KEPT_AFTER_SIGNING_MS as KEPT, PUBLISHED_BEFORE_SIGNING_MS as LEAD, scheduleOf } from './key-schedule.js';

const DAY = 86_400_000;
const INTERVAL = 90 * DAY;
const at = (...times: number[]) => times.map((createdAt) => ({ createdAt }));

describe('the schedule of signing keys', () => {
  it('signs with the only key at once', () => {
    expect(scheduleOf(at(1000), 1000, INTERVAL)).toMatchObject({ signer: { createdAt: 1000 }, isDue: false });
    expect(scheduleOf(at(1000), 0, INTERVAL).signer.createdAt).toBe(1000);
  });

  it('signs with a new key after it was published for twice the max-age of the set', () => {
    const keys = at(0, 100 * DAY);
    const before = scheduleOf(keys, 100 * DAY + LEAD - 1, INTERVAL);
    expect(before).toMatchObject({ signer: keys[0], next: { key: keys[1], signsFrom: 100 * DAY + LEAD }, retired: [] });
    expect(scheduleOf(keys, 100 * DAY + LEAD, INTERVAL)).toMatchObject({ signer: keys[1], next: undefined });
  });

  it('retires a key when its longest-lived token has expired', () => {
    const keys = at(0, 100 * DAY);
    expect(scheduleOf(keys, 100 * DAY + LEAD + KEPT - 1, INTERVAL).retired).toEqual([]);
    expect(scheduleOf(keys, 100 * DAY + LEAD + KEPT, INTERVAL).retired).toEqual([keys[0]]);
  });

  it('is due for a new key after the interval, and never with an interval of 0', () => {
    expect(scheduleOf(at(0), INTERVAL - 1, INTERVAL).isDue).toBe(false);
    expect(scheduleOf(at(0), INTERVAL, INTERVAL).isDue).toBe(true);
    expect(scheduleOf(at(0, INTERVAL), INTERVAL + 1, INTERVAL).isDue).toBe(false);
    expect(scheduleOf(at(0), 1000 * INTERVAL, 0).isDue).toBe(false);
  });

  it('never signs with a retired or unpublished key, for any times of creation', () => {
    const times = fc.array(fc.integer({ min: 0, max: 400 * DAY }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(times, fc.integer({ min: 0, max: 500 * DAY }), (made, now) => {
        const keys = at(...made.sort((a, b) => a - b));
        const { signer, next, retired } = scheduleOf(keys, now, INTERVAL);
        expect(retired).not.toContain(signer);
        expect(retired).not.toContain(next?.key);
        expect(signer === keys[0] || signer.createdAt + LEAD <= now).toBe(true);
        const waiting = keys.filter((key) => keys.indexOf(key) > keys.indexOf(signer));
        expect(waiting.every(({ createdAt }) => createdAt + LEAD > now)).toBe(true);
      }),
    );
  });
});
