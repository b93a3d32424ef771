/** A limit that refused a request. */
export interface ExceededLimit {
  /** Stable: clients and operators decide by it. */
  name: string;
  /** Attempts that are allowed in a window. */
  points: number;
  windowMs: number;
  /** Until the next attempt is allowed. */
  retryAfterMs: number;
}

/** The limit to wait for: with the longest wait. */
export function longestWait(limits: readonly [ExceededLimit, ...ExceededLimit[]]): ExceededLimit {
  return limits.reduce((a, b) => (b.retryAfterMs > a.retryAfterMs ? b : a));
}

/**
 * `Retry-After` in whole seconds (RFC 9110 section 10.2.3), and `RateLimit` and `RateLimit-Policy` as structured fields
 * (draft-ietf-httpapi-ratelimit-headers-10).
 */
export function limitHeaders(limits: readonly [ExceededLimit, ...ExceededLimit[]]): Record<string, string> {
  return {
    'retry-after': String(seconds(longestWait(limits).retryAfterMs)),
    ratelimit: limits.map(({ name, retryAfterMs }) => `"${name}";r=0;t=${seconds(retryAfterMs)}`).join(', '),
    'ratelimit-policy': limits
      .map(({ name, points, windowMs }) => `"${name}";q=${points};w=${seconds(windowMs)}`)
      .join(', '),
  };
}

/** Never too few: a client that waits this long is not refused again. */
function seconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}
