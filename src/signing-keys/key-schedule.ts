/** How long a verifier may cache the key set, in seconds: the `max-age` it is served with. */
export const KEY_SET_MAX_AGE_SECONDS = 300;
/** How long a key is published before it signs: a verifier that caches the key set for twice its `max-age` has it by then. */
export const PUBLISHED_BEFORE_SIGNING_MS = 2 * KEY_SET_MAX_AGE_SECONDS * 1000;
/** How long a key is kept after it last signed: longer than any access token lives (ACCESS_TOKEN_TTL: a day at most). */
export const KEPT_AFTER_SIGNING_MS = 25 * 3_600_000;

/** When a key was made, in milliseconds since the epoch. */
interface Dated {
  createdAt: number;
}

/** The state of the signing keys at a moment: a pure function of when they were made. */
export interface Schedule<Key> {
  /** The key that signs. */
  signer: Key;
  /** The key that is published and does not sign yet, and from when it will. */
  next: { key: Key; signsFrom: number } | undefined;
  /** Keys all of whose tokens have expired. */
  retired: Key[];
  /** Whether another key is due. */
  isDue: boolean;
}

/**
 * @param keys oldest first, at least one. The oldest signs from its first moment
 * @param now milliseconds since the epoch
 * @param interval between two keys, in milliseconds; 0: never another
 */
export function scheduleOf<Key extends Dated>(keys: Key[], now: number, interval: number): Schedule<Key> {
  const signsFrom = (at: number) => (at === 0 ? -Infinity : keys[at]!.createdAt + PUBLISHED_BEFORE_SIGNING_MS);
  const signing = keys.findLastIndex((_, at) => signsFrom(at) <= now);
  const next = keys[signing + 1];
  return {
    signer: keys[signing]!,
    next: next && { key: next, signsFrom: signsFrom(signing + 1) },
    retired: keys.slice(0, signing).filter((_, at) => signsFrom(at + 1) + KEPT_AFTER_SIGNING_MS <= now),
    isDue: interval > 0 && keys.at(-1)!.createdAt + interval <= now,
  };
}
