import { Clock } from '../../../src/clock/clock.js';

/** The real clock plus an offset. */
export class MovableClock extends Clock {
  private offset = 0;
  private standsAt: number | undefined;

  override now(): number {
    return (this.standsAt ?? Date.now()) + this.offset;
  }

  /** Stops the clock: from now on only `move` changes the time, so every age is exact to the millisecond. */
  standStill(at: number): void {
    this.standsAt = at;
    this.offset = 0;
  }

  /** @param duration like `90s`, `2h`, `8d`; with a minus sign it goes back */
  move(duration: string): void {
    const [, sign, amount, unit] = /^(-?)(\d+)(ms|s|m|h|d)$/.exec(duration) ?? [];
    const size = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit ?? ''];
    if (!size) throw new Error(`Not a duration: ${duration}`);
    this.offset += (sign ? -1 : 1) * Number(amount) * size;
  }
}
