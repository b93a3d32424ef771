import { expect } from 'vitest';
import type { ProblemCode } from '../../src/problem/catalogue.js';
import type { TestApp } from './app.js';
import type { Answer, Http, ProblemBody, RequestOptions } from './http.js';

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
];
/** What stack traces and libraries say, and answers never do. */
const INNARDS = /node_modules|\n\s+at |\.[jt]s:\d|FST_|Error:|Exception|QueryFailed|SQLITE|typeorm|postgres|syntax/i;

/** Holds an answer to the error contract: RFC 9457, the code, the request id of the header, and nothing from inside. */
export function expectProblem(answer: Answer<unknown>, status: number, code: ProblemCode): ProblemBody {
  const problem = answer.body as ProblemBody;
  expect({ status: answer.status, code: problem?.code }).toEqual({ status, code });
  expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(problem).toMatchObject({ type: `urn:latchkey:problem:${code}`, status, terminal: expect.any(Boolean) });
  expect(problem.title).toMatch(/\S/);
  expect(problem.detail).toMatch(/\S/);
  expect(problem.requestId).toMatch(UUID);
  expect(answer.headers.get('x-request-id')).toBe(problem.requestId);
  expect(MEMBERS).toEqual(expect.arrayContaining(Object.keys(problem)));
  for (const error of problem.errors ?? []) {
    expect(Object.keys(error).sort()).toEqual(['field', 'message']);
    expect(error.message).toMatch(/^\S.*\.$/);
  }
  expect(JSON.stringify(problem)).not.toMatch(INNARDS);
  if (status === 401) expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer realm="latchkey"/);
  return problem;
}

/** Sends `route` (`POST /auth/login`), and holds that it is refused by the contract and changes nothing. */
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
export function send(http: Http, route: string, options: RequestOptions = {}): Promise<Answer<ProblemBody>> {
  const [method = '', path = ''] = route.split(' ');
  return http.send<ProblemBody>(method, path, options);
}

/** The fields that a validation problem is about, in order. */
export function fieldsOf(problem: ProblemBody): string[] {
  return (problem.errors ?? []).map(({ field }) => field).sort();
}

/** Everything that a refused request must leave as it was. */
export async function stateOf({ dataSource }: Pick<TestApp, 'dataSource'>): Promise<unknown> {
  return {
    users: await dataSource.query('SELECT * FROM users ORDER BY id'),
    sessions: await dataSource.query('SELECT id, user_id, generation, revoked_at FROM sessions ORDER BY id'),
    revocations: await dataSource.query('SELECT subject, ver FROM revocations ORDER BY subject'),
  };
}

/** helmet's headers, as the API sends them with every answer. */
export function expectSecurityHeaders({ headers }: Answer<unknown>): void {
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('content-security-policy')).toMatch(/^default-src 'none';.*frame-ancestors 'none'/);
  expect(headers.get('strict-transport-security')).toBe('max-age=31536000; includeSubDomains');
  expect(headers.get('referrer-policy')).toBe('no-referrer');
  expect(headers.get('x-frame-options')?.toUpperCase()).toBe('DENY');
  expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
  for (const name of ['x-powered-by', 'server']) expect(headers.get(name)).toBeNull();
}
