/** Minutes that a verifier may keep the key set for, in seconds: the `max-age` it is served with. */
export const KEY_SET_MAX_AGE_SECONDS = 300;
/** A key is published so long before it signs: whoever keeps the key set for twice its `max-age` has seen it by then. */
export const PUBLISHED_BEFORE_SIGNING_MS = 2 * KEY_SET_MAX_AGE_SECONDS * 1000;
/** A key stays so long after it last signed: longer than any access token may live (ACCESS_TOKEN_TTL: a day at most). */
export const KEPT_AFTER_SIGNING_MS = 25 * 3_600_000;

/** When a key was made, in milliseconds since the epoch. */
export interface Dated {
  createdAt: number;
}

/** What is to be done with the signing keys at a moment. A pure function of when they were made. */
export interface Schedule<Key> {
  /** The one that signs. */
  signer: Key;
  /** Published and not yet signing, and from when it will. */
  next: { key: Key; signsFrom: number } | undefined;
  /** Every token they have signed has expired. */
  retired: Key[];
  /** Whether it is time to make another. */
  isDue: boolean;
}

/**
 * @param keys oldest first, at least one. The oldest has nobody to wait for: it signs from its first moment
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
