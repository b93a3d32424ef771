import { describe, expect, it } from 'vitest';
import { CATALOGUE, type ProblemCode } from '../problem/catalogue.js';
import { Problem } from '../problem/problem.js';
import { OAUTH_ERRORS, toOAuthRefusal } from './oauth-error.js';

const CODES = Object.keys(CATALOGUE) as ProblemCode[];
/** Responses of their own: errors of the server, and limits, whose headers say how long to wait. */
const isOwn = (code: ProblemCode) => CATALOGUE[code].status >= 500 || CATALOGUE[code].status === 429;
const refusalOf = (code: ProblemCode) => {
  const problem = new Problem(code);
  return toOAuthRefusal(problem, problem);
};

describe('a problem on an OAuth route', () => {
  it.each(CODES.filter((code) => !isOwn(code)))(
    'becomes an RFC 6749 section 5.2 error when the client caused it: %s',
    (code) => {
      const { status, body } = refusalOf(code) as { status: number; body: Record<string, string> };
      expect(status).toBe(400);
      expect(Object.keys(body)).toEqual(['error', 'error_description']);
      expect(OAUTH_ERRORS).toContain(body['error']);
      expect(body['error_description']).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
    },
  );

  it('becomes invalid_grant when it is terminal, and only then', () => {
    const terminal = CODES.filter((code) => (refusalOf(code)?.body as { error?: string })?.error === 'invalid_grant');
    expect(terminal.sort()).toEqual(CODES.filter((code) => 'terminal' in CATALOGUE[code]).sort());
  });

  it.each(CODES.filter(isOwn))('stays a problem response when the server or a limit caused it: %s', (code) => {
    expect(refusalOf(code)).toBeNull();
  });
});
