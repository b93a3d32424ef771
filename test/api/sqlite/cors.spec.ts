import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestApp, type TestApp } from '../../support/app/app.js';
import { BrokenModule } from '../../support/app/broken-module.js';
import { scrapeMetrics } from '../../support/app/scrape-metrics.js';
import { send } from '../../support/http/problems.js';

const ORIGIN = 'https://app.example.com';
let test: TestApp;

describe('without CORS_ORIGINS', () => {
  beforeAll(async () => {
    test = await createTestApp();
  });
  afterAll(() => test.close());

  it('allows no origin', async () => {
    const headers = { origin: ORIGIN, 'access-control-request-method': 'POST' };
    for (const route of ['GET /health/live', 'GET /users/me', 'OPTIONS /auth/login']) {
      const response = await send(test.http, route, { headers });
      expect([...response.headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([]);
    }
  });
});

describe('with CORS_ORIGINS', () => {
  beforeAll(async () => {
    const env = { CORS_ORIGINS: `${ORIGIN}, http://localhost:5173` };
    test = await createTestApp({ imports: [BrokenModule], env });
  });
  afterAll(() => test.close());

  const from = (origin: string, route: string, headers: Record<string, string> = {}) =>
    send(test.http, route, { headers: { origin, ...headers } });
  const ask = {
    'access-control-request-method': 'PATCH',
    'access-control-request-headers': 'authorization,content-type',
  };

  it.each(['GET /health/live', 'GET /users/me', 'GET /nothing', 'POST /auth/login', 'GET /broken/error'])(
    'allows a listed origin to read the response: %s',
    async (route) => {
      const { headers } = await from(ORIGIN, route);
      expect(headers.get('access-control-allow-origin')).toBe(ORIGIN);
      expect(headers.get('vary')).toMatch(/\borigin\b/i);
      expect(headers.get('access-control-expose-headers')).toMatch(/retry-after/i);
      expect(headers.get('access-control-allow-credentials')).toBe('true');
      expect((await from('http://localhost:5173', route)).headers.get('access-control-allow-origin')).toBe(
        'http://localhost:5173',
      );
    },
  );

  it('counts a preflight as unmatched for any path', async () => {
    for (const path of ['/users/me', '/nothing']) await from(ORIGIN, `OPTIONS ${path}`, ask);
    const { series } = await scrapeMetrics(test.http);
    const counted = Object.keys(series).filter((name) => /^http_\w+_count.*OPTIONS/.test(name));
    expect(counted).toEqual(['http_request_duration_seconds_count{method="OPTIONS",route="unmatched",status="204"}']);
  });

  it('allows a listed origin all methods and headers of the API', async () => {
    const { status, headers } = await from(ORIGIN, 'OPTIONS /users/me', ask);
    expect(status).toBe(204);
    expect(headers.get('access-control-allow-origin')).toBe(ORIGIN);
    expect(headers.get('access-control-allow-methods')?.split(', ').sort()).toEqual(['DELETE', 'GET', 'PATCH', 'POST']);
    expect(headers.get('access-control-allow-headers')?.toLowerCase()).toBe(
      'authorization, content-type, latchkey-challenge',
    );
  });

  it.each([
    'null',
    '*',
    'https://evil.example',
    'http://app.example.com',
    'https://app.example.com:8443',
    'https://app.example.com.evil.example',
    'https://evil-app.example.com',
    'https://APP.example.com',
    `${ORIGIN}/`,
    `${ORIGIN}, https://evil.example`,
  ])('allows no other origin: %s', async (origin) => {
    for (const route of ['GET /health/live', 'GET /users/me', 'OPTIONS /users/me']) {
      const { headers } = await from(origin, route, ask);
      expect(headers.get('access-control-allow-origin')).toBeNull();
      expect(headers.get('vary')).toMatch(/\borigin\b/i);
    }
  });
});
