import { expect } from 'vitest';
import type { HttpResponse, Http, ProblemBody, RequestOptions } from '../http/http.js';
import { expectProblem, send } from '../http/problems.js';
import { createTestApp, type TestApp } from './app.js';
import { LimitedModule } from './limited-module.js';

/** An application with limits. It trusts the tests as a proxy: `from` sends requests of any address. */
export function limitedApp(env: Record<string, string> = {}, more: Parameters<typeof createTestApp>[0] = {}) {
  const limited = { RATE_LIMITS: 'on', TRUST_PROXY: 'loopback', ...env };
  return createTestApp({ imports: [LimitedModule], ...more, env: limited });
}

/** The options of a request that comes from this address. */
export function from(address: string, options: RequestOptions = {}): RequestOptions {
  return { ...options, headers: { 'x-forwarded-for': address, ...options.headers } };
}

/** A login from this address. */
export function signIn(http: Http, address: string, json: object, options: RequestOptions = {}) {
  return http.post('/auth/login', from(address, { json, ...options })) as Promise<HttpResponse<any>>;
}

/** Checks a 429 response: the limit that fired, and its headers. Resolves to the seconds to wait. */
export function expectLimited(response: HttpResponse<unknown>, limit: string): number {
  const problem = expectProblem(response, 429, 'rate_limited');
  const { headers } = response;
  expect(problem).toMatchObject({ limit, terminal: false });
  const seconds = Number(headers.get('retry-after'));
  expect(Number.isInteger(seconds) && seconds > 0).toBe(true);
  expect(headers.get('ratelimit')).toContain(`"${limit}";r=0;t=${seconds}`);
  expect(headers.get('ratelimit-policy')).toMatch(new RegExp(`"${limit}";q=\\d+;w=\\d+`));
  return seconds;
}

/** Sends a request so many times from an address, a few at once. Resolves to how many had which status and limit. */
export async function repeat(
  { http }: Pick<TestApp, 'http'>,
  times: number,
  address: (i: number) => string,
  request: (i: number) => [route: string, options?: RequestOptions],
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  const next = async (i: number) => {
    const [route, options] = request(i);
    const { status, body } = await send(http, route, from(address(i), options));
    const outcome = (body as ProblemBody | undefined)?.limit ?? String(status);
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  };
  for (let i = 0; i < times; i += 25) {
    await Promise.all(Array.from({ length: Math.min(25, times - i) }, (_, k) => next(i + k)));
  }
  return counts;
}
