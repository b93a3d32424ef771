const FIRST_MS = 400;
/** A server that is back is found within this time. */
const LONGEST_MS = 15_000;

/**
 * How long to wait after so many failures in a row. At least as long as the server asked for; the rest is chance, so
 * that those whom one outage has met do not come back together.
 */
export function backOffMs(failures: number, retryAfterSeconds: number | undefined, random: number): number {
  const step = Math.min(FIRST_MS * 2 ** failures, LONGEST_MS);
  return Math.max(0, retryAfterSeconds ?? 0) * 1000 + (step / 2) * (1 + random);
}
