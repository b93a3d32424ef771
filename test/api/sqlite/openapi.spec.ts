import { readFileSync } from 'node:fs';
import type { OpenAPIObject } from '@nestjs/swagger';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CATALOGUE } from '../../../src/problem/catalogue.js';
import { OAUTH_ERRORS } from '../../../src/oauth/oauth-error.js';
import { createTestApp, type TestApp } from '../../support/app/app.js';

const METHODS = ['get', 'post', 'patch', 'put', 'delete'] as const;
type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;
/** Latchkey's own routes, without those that a team adds. */
const OWN = /^[A-Z]+ \/(auth|oauth|sessions|users|health|metrics|\.well-known)\b/;
const OAUTH_FORM = /\/(Token|Revocation|Introspection)Form$/;
/** 429 and 5xx are problems there too. */
const refusesAsOAuth = (route: string, status: string) => / \/oauth\//.test(route) && /^4(?!29)/.test(status);

describe('the OpenAPI document', () => {
  let test: TestApp;
  let document: OpenAPIObject;
  let operations: [string, Operation][];
  beforeAll(async () => {
    test = await createTestApp();
    document = (await test.http.get<OpenAPIObject>('/openapi.json')).body;
    const all = Object.entries(document.paths).flatMap(([path, item]) =>
      METHODS.flatMap((method): [string, Operation][] => {
        const operation = item[method];
        return operation ? [[`${method.toUpperCase()} ${path}`, operation]] : [];
      }),
    );
    operations = all.filter(([route]) => OWN.test(route));
  });
  afterAll(() => test.close());

  it('lists exactly the routes of the API', () => {
    expect(operations.map(([route]) => route).sort()).toEqual(
      [
        'POST /auth/register',
        'POST /auth/login',
        'POST /auth/refresh',
        'POST /auth/logout',
        'GET /auth/whoami',
        'POST /auth/password',
        'POST /auth/password/forgot',
        'POST /auth/password/reset',
        'POST /auth/email/verification',
        'POST /auth/email/verify',
        'POST /auth/email/change',
        'POST /auth/email/change/confirm',
        'POST /auth/email/change/undo',
        'POST /auth/reauthenticate',
        'POST /users/me/deletion',
        'GET /users/me/export',
        'GET /sessions',
        'DELETE /sessions',
        'DELETE /sessions/{id}',
        'GET /users/me',
        'PATCH /users/me',
        'GET /users/me/security-events',
        'POST /oauth/token',
        'POST /oauth/revoke',
        'POST /oauth/introspect',
        'GET /.well-known/jwks.json',
        'GET /.well-known/oauth-authorization-server',
        'GET /health/live',
        'GET /health/ready',
        'GET /metrics',
      ].sort(),
    );
  });

  it('describes METRICS_TOKEN as a bearer token that is not a JWT', () => {
    expect(document.components?.securitySchemes?.['metrics']).toEqual({
      type: 'http',
      scheme: 'bearer',
      description: 'METRICS_TOKEN, where it is set.',
    });
  });

  it('describes the purpose, the request and the response of every route', () => {
    for (const [route, operation] of operations) {
      expect(operation.summary, route).toBeTruthy();
      expect(operation.operationId, route).toMatch(/^[a-z]+_[a-zA-Z]+$/);
      const good = Object.entries(operation.responses).filter(([status]) => status.startsWith('2'));
      expect(good, route).toHaveLength(route === 'POST /auth/register' ? 2 : 1);
      const type = route === 'GET /metrics' ? 'text/plain' : 'application/json';
      for (const [status, response] of good) {
        const { content } = response as { content?: object };
        if (status === '202' || status === '204') expect(content, route).toBeUndefined();
        else expect(content, route).toHaveProperty(type);
      }
      if (/^(POST|PATCH)/.test(route)) expect(operation.requestBody, route).toBeDefined();
    }
  });

  it('lists every problem code of a route under its status', () => {
    const named = new Set<string>();
    for (const [route, operation] of operations) {
      for (const [status, response] of Object.entries(operation.responses)) {
        if (status.startsWith('2') || refusesAsOAuth(route, status)) continue;
        const { examples } = (response as { content: Record<string, { examples: object }> }).content[
          'application/problem+json'
        ]!;
        for (const code of Object.keys(examples)) {
          expect([route, code, String(CATALOGUE[code as keyof typeof CATALOGUE].status)]).toEqual([
            route,
            code,
            status,
          ]);
          named.add(code);
        }
      }
    }
    // Codes that belong to no route: unknown methods, connections, roles.
    const elsewhere = [
      'request_refused',
      'method_not_allowed',
      'headers_too_large',
      'expectation_failed',
      'request_timeout',
      'insufficient_role',
    ];
    expect([...named, ...elsewhere].sort()).toEqual(Object.keys(CATALOGUE).sort());
  });

  it('lists every OAuth error code of the routes under /oauth', () => {
    const named = operations.flatMap(([route, { responses }]) =>
      Object.entries(responses).flatMap(([status, response]) => {
        if (!refusesAsOAuth(route, status)) return [];
        const { content } = response as { content: Record<string, { schema: { allOf: any[] } }> };
        expect(Object.keys(content)).toEqual(['application/json']);
        return content['application/json']!.schema.allOf[1].properties.error.enum as string[];
      }),
    );
    expect([...new Set(named)].sort()).toEqual([...OAUTH_ERRORS].sort());
  });

  it('requires the same credentials as the guards, route by route', () => {
    const required = [{ password: [] }, { bearer: [] }];
    const special: Record<string, object[]> = {
      'POST /auth/refresh': [{}, { cookie: [] }],
      'POST /auth/logout': [{}, ...required, { cookie: [] }],
      'POST /oauth/introspect': [{ client: [] }],
      'POST /auth/email/verify': [{}, { bearer: [] }],
      'GET /metrics': [{}, { metrics: [] }],
    };
    for (const [route, operation] of operations) {
      const open = /register|login|refresh|forgot|reset|confirm|undo|oauth|health|well-known/.test(route);
      const expected = special[route] ?? (open ? [] : required);
      expect([route, operation.security]).toEqual([route, expected]);
    }
  });

  it('documents Set-Cookie exactly where a response can set or clear a cookie', () => {
    const setting = operations.flatMap(([route, { responses }]) =>
      Object.entries(responses).flatMap(([status, response]) => {
        const { headers = {} } = response as { headers?: Record<string, object> };
        if (!headers['Set-Cookie']) return [];
        expect(headers['Set-Cookie'], route).toEqual({ $ref: '#/components/headers/Set-Cookie' });
        return [`${route} ${status}`];
      }),
    );
    expect(setting.sort()).toEqual([
      'POST /auth/login 200',
      'POST /auth/logout 204',
      'POST /auth/logout 401',
      'POST /auth/password 200',
      'POST /auth/password/reset 204',
      'POST /auth/refresh 200',
      'POST /auth/refresh 401',
      'POST /auth/register 201',
      'POST /users/me/deletion 204',
    ]);
    expect(document.components!.headers!['Set-Cookie']).not.toHaveProperty('required', true);
  });

  it('has properties in every schema, and no x- extensions', () => {
    for (const [name, schema] of Object.entries(document.components!.schemas!)) {
      expect(Object.keys((schema as { properties?: object }).properties ?? {}).length, name).toBeGreaterThan(0);
    }
    expect(JSON.stringify(document)).not.toMatch(/"x-/);
  });

  it('allows unknown members only in OAuth forms', () => {
    const refs = operations.flatMap(([, { requestBody }]) =>
      Object.values((requestBody as { content?: object } | undefined)?.content ?? {}).map(({ schema }) => schema.$ref),
    );
    expect(refs.length).toBeGreaterThan(6);
    for (const ref of refs) {
      // RFC 6749 section 3.2: the server ignores unknown parameters.
      const additionalProperties = OAUTH_FORM.test(ref);
      const schema = document.components!.schemas![ref.replace('#/components/schemas/', '')];
      expect(schema, ref).toMatchObject({ type: 'object', additionalProperties });
    }
  });

  it('equals the checked-in openapi.json: npm run openapi', () => {
    expect(document).toEqual(JSON.parse(readFileSync('openapi.json', 'utf8')));
  });
});
