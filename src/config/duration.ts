const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds in a duration like `15m`, `60s`, `7d` or `0s`; NaN when it is not one. */
export function parseDuration(text: unknown): number {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(String(text).trim());
  return match ? Number(match[1]) * UNITS[match[2]!]! : Number.NaN;
}
