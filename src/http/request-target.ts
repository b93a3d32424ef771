/** Path and query of a request target, which may be a whole URL (RFC 9112 section 3.2.2). */
export function withoutOrigin(target: string): string {
  return target.replace(/^https?:\/\/[^/?]*/i, '');
}
