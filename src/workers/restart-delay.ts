const BASE_MS = 250;
export const MAX_DELAY_MS = 30_000;
/** A worker that served for so long did not die of its start. */
export const STABLE_MS = 10_000;

/** How many early deaths in a row there are, with that of one more worker, which served for this long. */
export function earlyDeaths(before: number, servedMs: number): number {
  return servedMs < STABLE_MS ? before + 1 : 0;
}

/**
 * How long to wait before a worker is started again, in milliseconds: not at all when it had been stable; otherwise
 * exponential from 250 ms to 30 s, with jitter of a half, so that workers that die together do not all return at once.
 *
 * @param deaths early deaths in a row
 * @param random from 0 to 1
 */
export function restartDelayMs(deaths: number, random: number): number {
  if (deaths === 0) return 0;
  const full = Math.min(BASE_MS * 2 ** (deaths - 1), MAX_DELAY_MS);
  return Math.round(full / 2 + (full / 2) * random);
}
