import type { ProblemCode } from '../problem/catalogue.js';

export const MAX_DEPTH = 16;
/** Members of objects and elements of arrays, in all of a body. The largest body of this API has five. */
export const MAX_MEMBERS = 32;

/**
 * Why a JSON text is refused before it is parsed, or null. Repeated members are refused because attackers use texts that two
 * programs read differently (RFC 8259 section 4, OWASP ASVS 5.0 15.3.7). A text that is not JSON may pass: the parser
 * refuses it.
 */
export function findJsonRefusal(json: string): ProblemCode | null {
  /** For every open object its names, for every open array null. */
  const open: (Set<string> | null)[] = [];
  let members = 0;
  let isNameNext = false;
  for (let i = 0; i < json.length; i++) {
    switch (json[i]) {
      case '"': {
        const end = endOfString(json, i);
        const names = open.at(-1);
        if (names && isNameNext) {
          const name = nameIn(json.slice(i, end + 1));
          if (names.has(name)) return 'repeated_parameter';
          names.add(name);
          if (++members > MAX_MEMBERS) return 'too_many_members';
          isNameNext = false;
        }
        i = end;
        break;
      }
      case '{':
      case '[':
        open.push(json[i] === '{' ? new Set() : null);
        if (open.length > MAX_DEPTH) return 'body_too_deep';
        isNameNext = json[i] === '{';
        // An element, even if the array is empty: nested arrays count.
        if (json[i] === '[' && ++members > MAX_MEMBERS) return 'too_many_members';
        break;
      case '}':
      case ']':
        open.pop();
        isNameNext = false;
        break;
      case ',':
        isNameNext = open.at(-1) != null;
        if (!isNameNext && ++members > MAX_MEMBERS) return 'too_many_members';
        break;
    }
  }
  return null;
}

/** The index of the closing quotation mark; that of the last character where there is none. */
function endOfString(json: string, start: number): number {
  for (let i = start + 1; i < json.length; i++) {
    if (json[i] === '\\') i++;
    else if (json[i] === '"') return i;
  }
  return json.length - 1;
}

/** Names are equal when their characters are: `"\u0065mail"` is `"email"`. */
function nameIn(token: string): string {
  if (!token.includes('\\')) return token.slice(1, -1);
  try {
    return JSON.parse(token) as string;
  } catch {
    return token;
  }
}
