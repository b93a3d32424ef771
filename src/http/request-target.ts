/** The path and the query of what a request asks for: it may name the whole address (RFC 9112 section 3.2.2). */
export function withoutOrigin(target: string): string {
  return target.replace(/^https?:\/\/[^/?]*/i, '');
}
