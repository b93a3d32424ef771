const MINUTE = 60_000;
const DAY = 86_400_000;

/** The parameters of the rules, in milliseconds, with the names of `docs/rotation.md`. */
export interface Policy {
  /** C, the rotation interval. */
  C: number;
  /** L, the leeway. */
  L: number;
  idle: number;
  session: number;
  access: number;
  sessionsPerUser: number;
}

/** A configuration as environment variables and as numbers. */
export interface Setting {
  name: string;
  env: Record<string, string>;
  policy: Policy;
}

/** Short limits and few sessions, so that a history of about sixty steps reaches every limit. */
const LIMITS = { REFRESH_IDLE_TTL: '7d', SESSION_TTL: '9d', ACCESS_TOKEN_TTL: '15m', MAX_SESSIONS_PER_USER: '3' };
const policy: Policy = {
  C: 2 * MINUTE,
  L: MINUTE,
  idle: 7 * DAY,
  session: 9 * DAY,
  access: 15 * MINUTE,
  sessionsPerUser: 3,
};

export const USUAL: Setting = { name: 'with C = 120 s and L = 60 s', env: LIMITS, policy };

export const STRICT: Setting = {
  name: 'in strict mode',
  env: { ...LIMITS, REFRESH_ROTATION_INTERVAL: '0s', REFRESH_LEEWAY: '0s' },
  policy: { ...policy, C: 0, L: 0 },
};

export function isStrict({ C, L }: Policy): boolean {
  return C === 0 && L === 0;
}
