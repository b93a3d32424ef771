import { parseDuration } from './duration.js';

/** What the points of a policy are counted by. */
export type LimitKey = 'address' | 'network' | 'session';

/** Routes of one family share the counters of its policies: see `@LimitRate()`. */
export type LimitFamily = 'password' | 'register' | 'mail' | 'token' | 'refresh';

export interface RateLimit {
  points: number;
  windowMs: number;
}

export interface RateLimitPolicy extends RateLimit {
  family: LimitFamily;
  /** `address`: an IPv4 address or IPv6 /64, which one client owns. `network`: an IPv4 /24 or IPv6 /48. */
  key: LimitKey;
  /** `shared` by all processes on PostgreSQL, or in the `memory` of each. */
  store: 'shared' | 'memory';
  /** `failure`: a success, and an error of the server, give the point back. */
  counts: 'failure' | 'attempt';
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const MAX_WINDOW_MS = 24 * HOUR;

/** Every limit on requests. `docs/operations.md` is held equal to it by a test. */
export const RATE_LIMIT_POLICIES = {
  'password-address': limit('password', 'address', 50, 10 * MINUTE, 'shared', 'failure'),
  'password-network': limit('password', 'network', 250, 10 * MINUTE, 'shared', 'failure'),
  'register-address': limit('register', 'address', 100, HOUR, 'shared', 'attempt'),
  'register-network': limit('register', 'network', 500, HOUR, 'shared', 'attempt'),
  'mail-address': limit('mail', 'address', 30, HOUR, 'shared', 'attempt'),
  'mail-network': limit('mail', 'network', 150, HOUR, 'shared', 'attempt'),
  // In memory: a refresh must cost no statement. The secrets have 256 bits, so the limits are against load.
  'token-address': limit('token', 'address', 300, 10 * MINUTE, 'memory', 'failure'),
  'token-network': limit('token', 'network', 1500, 10 * MINUTE, 'memory', 'failure'),
  'refresh-session': limit('refresh', 'session', 600, MINUTE, 'memory', 'attempt'),
} as const satisfies Record<string, RateLimitPolicy>;

export type PolicyName = keyof typeof RATE_LIMIT_POLICIES;
export type RateLimitOverrides = Partial<Record<PolicyName, RateLimit>>;

export const POLICY_NAMES = Object.keys(RATE_LIMIT_POLICIES) as PolicyName[];

/**
 * The second, lower threshold of a policy: with PROOF_OF_WORK=on attempts beyond it need a solved challenge. A quarter of its
 * points, at least 3.
 */
export function softLimitOf({ points }: Pick<RateLimit, 'points'>): number {
  return Math.max(3, Math.floor(points / 4));
}

/**
 * Reads RATE_LIMIT_OVERRIDES: a comma list like `password-address=100/10m,register-address=50/1h`. Undefined where a name is
 * unknown or given twice, or a limit is not from 1 to 1,000,000 points in 1 second to 1 day.
 */
export function parseRateLimitOverrides(text: string): RateLimitOverrides | undefined {
  const overrides: RateLimitOverrides = {};
  for (const part of text.split(',')) {
    const [, name = '', points, window] = /^\s*([a-z-]+)=(\d{1,7})\/(\w+)\s*$/.exec(part) ?? [];
    const override = { points: Number(points), windowMs: parseDuration(window) };
    if (!isPolicyName(name) || overrides[name] || !isLimit(override)) return undefined;
    overrides[name] = override;
  }
  return overrides;
}

function isPolicyName(name: string): name is PolicyName {
  return Object.hasOwn(RATE_LIMIT_POLICIES, name);
}

function isLimit({ points, windowMs }: RateLimit): boolean {
  return points >= 1 && points <= 1_000_000 && windowMs >= 1000 && windowMs <= MAX_WINDOW_MS;
}

function limit(
  family: LimitFamily,
  key: LimitKey,
  points: number,
  windowMs: number,
  ...[store, counts]: [RateLimitPolicy['store'], RateLimitPolicy['counts']]
): RateLimitPolicy {
  return { family, key, points, windowMs, store, counts };
}
