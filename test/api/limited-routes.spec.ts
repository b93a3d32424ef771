import type { OpenAPIObject } from '@nestjs/swagger';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Config } from '../../src/config/config.js';
import { POLICY_NAMES } from '../../src/config/rate-limit-policies.js';
import { createDocument, operationsOf } from '../../src/openapi/document.js';
import { documentedRoutes, routeOf } from '../../src/openapi/documented-routes.js';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { from } from '../support/app/limits.js';
import { allRoutes } from '../support/app/routes.js';
import { expectProblem, send } from '../support/http/problems.js';

/** Members of a body that somebody could guess. */
const SECRET = /password|secret|token|code/i;
/** Routes that take a secret elsewhere than in the body, or that send mail for a caller who is signed in. */
const ALSO_LIMITED = ['GET /metrics'];
/** Routes without a limit although they are public and no GET, or take a secret; with the reason. */
const WITHOUT_LIMIT: Record<string, string> = {};

// CVE-2025-64102, CVE-2026-9798: one path without a limit is a hole.
describe('every route that takes a secret', () => {
  let test: TestApp;
  let all: { route: string; mustBeLimited: boolean; isLimited: boolean }[];
  beforeAll(async () => {
    const limits = POLICY_NAMES.filter((name) => name !== 'refresh-session').map((name) => `${name}=1/1h`);
    test = await createTestApp({
      env: { RATE_LIMITS: 'on', RATE_LIMIT_OVERRIDES: limits.join(), TRUST_PROXY: 'loopback' },
    });
    const document = createDocument(test.app, test.app.get(Config));
    const routes = documentedRoutes(test.app);
    all = operationsOf(document).map(({ address, method, operation }) => {
      const route = `${method.toUpperCase()} ${address.replaceAll(/\{(\w+)\}/g, ':$1')}`;
      const { isPublic, isLimited } = routeOf(operation.operationId!, routes);
      const takesSecret = membersOf(operation.requestBody, document).some((name) => SECRET.test(name));
      const mustBeLimited = (isPublic && method !== 'get') || takesSecret || ALSO_LIMITED.includes(route);
      return { route, mustBeLimited, isLimited };
    });
  });
  afterAll(() => test.close());

  it('has a limit, or a reason to have none', () => {
    const without = all.filter(({ mustBeLimited, isLimited }) => mustBeLimited && !isLimited).map(({ route }) => route);
    expect(without).toEqual(Object.keys(WITHOUT_LIMIT));
    expect(all.filter(({ mustBeLimited }) => mustBeLimited).length).toBeGreaterThanOrEqual(9);
  });

  it('is in the document: no route that is no GET is hidden from this test', () => {
    const served = allRoutes(test.app).filter((route) => !/^(GET|HEAD|OPTIONS) /.test(route));
    expect(served.sort()).toEqual(
      all
        .map(({ route }) => route)
        .filter((route) => !route.startsWith('GET '))
        .sort(),
    );
  });

  it('refuses what is beyond its limit before it does anything else', async () => {
    const limited = all.filter(({ isLimited }) => isLimited);
    for (const [i, { route }] of limited.entries()) {
      const nonsense = from(`192.0.${i}.1`, { json: { nonsense: true } });
      const options = route.startsWith('GET ') ? from(`192.0.${i}.1`, { token: 'nonsense' }) : nonsense;
      const [first, second] = [await send(test.http, route, options), await send(test.http, route, options)];
      if (first.status >= 400) expectProblem(second, 429, 'rate_limited');
      else expect([route, first.status]).toEqual(['GET /metrics', 200]);
    }
  });
});

function membersOf(body: unknown, { components }: OpenAPIObject): string[] {
  const { content = {} } = (body ?? {}) as { content?: Record<string, { schema?: { $ref?: string } }> };
  return Object.values(content).flatMap(({ schema }) => {
    const named = components?.schemas?.[schema?.$ref?.split('/').at(-1) ?? ''] as { properties?: object } | undefined;
    return Object.keys(named?.properties ?? {});
  });
}
