/** Checks of the claims of a payload. Libraries accept missing, repeated and mistyped claims; these do not. */

/** A NumericDate (RFC 7519 section 2) in whole seconds, as milliseconds; null when it is anything else. */
export function timeClaim(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 && value < 1e11 ? value * 1000 : null;
}

export function textClaim(value: unknown): string | null {
  return typeof value === 'string' && value !== '' && value.length <= 512 ? value : null;
}

/** A UUID in lower case: PostgreSQL refuses any other text as an id. */
export function idClaim(value: unknown): string | null {
  return typeof value === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value) ? value : null;
}

export function countClaim(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 && value < 2 ** 31 - 1 ? value : null;
}

export function listClaim(value: unknown): string[] | null {
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : null;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
