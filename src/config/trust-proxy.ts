import { isIP } from 'node:net';

/** Fastify's `trustProxy`: none, the last n hops, or these addresses and networks. */
export type TrustProxy = false | number | string[];

const MIN_PREFIX = { 4: 8, 6: 7 };
/** IPv4 addresses written as IPv6 ones (RFC 4291 section 2.5.5.2). */
const MAPPED_IPV4 = /^::ffff:(?=[\d.]+$|[\da-f]+:[\da-f]+$)/;

/**
 * Reads TRUST_PROXY; undefined when it is invalid. Trusting everybody is refused: then any client could forge the address
 * that is logged, shown, and counted. So there are at most 9 hops, and no network is larger than the largest private one
 * (10.0.0.0/8, fc00::/7).
 */
export function parseTrustProxy(text: string): TrustProxy | undefined {
  const value = text.trim().toLowerCase();
  if (value === 'off' || value === 'false' || value === '0') return false;
  if (/^[1-9]$/.test(value)) return Number(value);
  const addresses = value.split(',').map((part) => part.trim());
  return addresses.every(isAddressOrNetwork) ? addresses : undefined;
}

function isAddressOrNetwork(text: string): boolean {
  if (['loopback', 'linklocal', 'uniquelocal'].includes(text)) return true;
  const [address = '', prefix, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  if (prefix === undefined) return true;
  const [bits, min] = MAPPED_IPV4.test(address)
    ? [128, 96 + MIN_PREFIX[4]]
    : [version === 4 ? 32 : 128, MIN_PREFIX[version as 4 | 6]];
  return /^[1-9]\d{0,2}$/.test(prefix) && Number(prefix) >= min && Number(prefix) <= bits;
}
