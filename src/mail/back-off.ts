const BASE_MS = 10_000;
const MAX_MS = 3_600_000;

/**
 * How long to wait after a failed attempt, in milliseconds: exponential from 10 s to 1 h, with jitter of a half, so that the
 * entries of an outage do not all return at once.
 *
 * @param attempt the number of attempts so far, from 1
 * @param random from 0 to 1
 */
export function backOffMs(attempt: number, random: number): number {
  const full = Math.min(BASE_MS * 2 ** (attempt - 1), MAX_MS);
  return Math.round(full / 2 + (full / 2) * random);
}
