import { expect } from 'vitest';
import type { ProblemCode } from '../../../src/problem/catalogue.js';
import type { TestApp } from '../app/app.js';
import type { HttpResponse, Http, ProblemBody, RequestOptions } from './http.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const MEMBERS = [
  'type',
  'title',
  'status',
  'detail',
  'code',
  'requestId',
  'terminal',
  'errors',
  'session_id',
  'reason',
  'limit',
  'challenge',
];
/** Texts of stack traces and libraries, which no response may contain. */
const INTERNALS = /node_modules|\n\s+at |\.[jt]s:\d|FST_|Error:|Exception|QueryFailed|SQLITE|typeorm|postgres|syntax/i;

/** Checks a problem response: RFC 9457, the code, the request id of the header, and no internals. */
export function expectProblem(response: HttpResponse<unknown>, status: number, code: ProblemCode): ProblemBody {
  const problem = response.body as ProblemBody;
  expect({ status: response.status, code: problem?.code }).toEqual({ status, code });
  expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(problem).toMatchObject({ type: `urn:latchkey:problem:${code}`, status, terminal: expect.any(Boolean) });
  expect(problem.title).toMatch(/\S/);
  expect(problem.detail).toMatch(/\S/);
  expect(problem.requestId).toMatch(UUID);
  expect(response.headers.get('x-request-id')).toBe(problem.requestId);
  expect(MEMBERS).toEqual(expect.arrayContaining(Object.keys(problem)));
  for (const error of problem.errors ?? []) {
    expect(Object.keys(error).sort()).toEqual(['field', 'message']);
    expect(error.message).toMatch(/^\S.*\.$/);
  }
  expect(JSON.stringify(problem)).not.toMatch(INTERNALS);
  if (status === 401) expect(response.headers.get('www-authenticate')).toMatch(/^Bearer realm="latchkey"/);
  return problem;
}

/** Sends a request to `route` (`POST /auth/login`), and checks that it is refused and changes nothing. */
export async function expectRefused(
  test: Pick<TestApp, 'http' | 'dataSource'>,
  route: string,
  options: RequestOptions,
  status: number,
  code: ProblemCode,
): Promise<ProblemBody> {
  const before = await stateOf(test);
  const problem = expectProblem(await send(test.http, route, options), status, code);
  expect(await stateOf(test)).toEqual(before);
  return problem;
}

/** @param route method and path: `POST /auth/login` */
export function send(http: Http, route: string, options: RequestOptions = {}): Promise<HttpResponse<ProblemBody>> {
  const [method = '', path = ''] = route.split(' ');
  return http.send<ProblemBody>(method, path, options);
}

/** The fields of a validation problem, sorted. */
export function fieldsOf(problem: ProblemBody): string[] {
  return (problem.errors ?? []).map(({ field }) => field).sort();
}

/** The stored data that a refused request must not change. */
export async function stateOf({ dataSource }: Pick<TestApp, 'dataSource'>): Promise<unknown> {
  return {
    users: await dataSource.query('SELECT * FROM users ORDER BY id'),
    sessions: await dataSource.query('SELECT id, user_id, generation, revoked_at FROM sessions ORDER BY id'),
    revocations: await dataSource.query('SELECT subject, ver FROM revocations ORDER BY subject'),
  };
}

/** The security headers of every API response. */
export function expectSecurityHeaders({ headers }: HttpResponse<unknown>): void {
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('content-security-policy')).toMatch(/^default-src 'none';.*frame-ancestors 'none'/);
  expect(headers.get('strict-transport-security')).toBe('max-age=31536000; includeSubDomains');
  expect(headers.get('referrer-policy')).toBe('no-referrer');
  expect(headers.get('x-frame-options')?.toUpperCase()).toBe('DENY');
  expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
  for (const name of ['x-powered-by', 'server']) expect(headers.get(name)).toBeNull();
}
