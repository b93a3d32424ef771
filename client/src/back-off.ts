const FIRST_MS = 400;
/** The longest wait. It bounds how late a client notices that the server is back. */
const LONGEST_MS = 15_000;

/**
 * The wait after this many failures in a row: at least as long as the server asked for, plus exponential back-off with
 * jitter. Jitter spreads the clients of one outage, so that they do not all return at the same moment.
 */
export function backOffMs(failures: number, retryAfterSeconds: number | undefined, random: number): number {
  const step = Math.min(FIRST_MS * 2 ** failures, LONGEST_MS);
  return (retryAfterSeconds ?? 0) * 1000 + (step / 2) * (1 + random);
}
