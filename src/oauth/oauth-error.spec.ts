import { describe, expect, it } from 'vitest';
import { CATALOGUE, type ProblemCode } from '../problem/catalogue.js';
import { Problem } from '../problem/problem.js';
import { OAUTH_ERRORS, toOAuthRefusal } from './oauth-error.js';

const CODES = Object.keys(CATALOGUE) as ProblemCode[];
const refusalOf = (code: ProblemCode) => {
  const problem = new Problem(code);
  return toOAuthRefusal(problem, problem);
};

describe('a problem on a route of OAuth', () => {
  it.each(CODES.filter((code) => CATALOGUE[code].status < 500))(
    'of the client’s making is said in the words of RFC 6749 section 5.2: %s',
    (code) => {
      const { status, body } = refusalOf(code) as { status: number; body: Record<string, string> };
      expect(status).toBe(400);
      expect(Object.keys(body)).toEqual(['error', 'error_description']);
      expect(OAUTH_ERRORS).toContain(body['error']);
      expect(body['error_description']).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
    },
  );

  it('says invalid_grant where a client has to sign in again, and nowhere else', () => {
    const dead = CODES.filter((code) => (refusalOf(code)?.body as { error?: string })?.error === 'invalid_grant');
    expect(dead.sort()).toEqual(CODES.filter((code) => 'terminal' in CATALOGUE[code]).sort());
  });

  it.each(CODES.filter((code) => CATALOGUE[code].status >= 500))(
    'of the server’s making is said as everywhere: %s',
    (code) => {
      expect(refusalOf(code)).toBeNull();
    },
  );
});
