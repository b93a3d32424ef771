/** 2025-01-01T00:00:00Z, in seconds since the epoch. */
const YEAR_2025 = 1_735_689_600;

/**
 * SQL for the next token version (`users.ver`, the claim `ver`): greater than the one before, and never below the seconds
 * since 2025. A version that a database failover has lost is therefore not issued a second time, for another change, and
 * access tokens that were outdated stay outdated.
 *
 * @param current SQL for the version now
 * @param now SQL for the time in milliseconds since the epoch
 */
export function nextTokenVersion(current: string, now: string): string {
  return `GREATEST(${current} + 1, ${now} / 1000 - ${YEAR_2025})`;
}
