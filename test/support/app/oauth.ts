import { expect } from 'vitest';
import type { TestApp } from './app.js';
import type { HttpResponse, Http, TokenResponse } from '../http/http.js';
import { refresh } from './users.js';

interface OAuthErrorBody {
  error: string;
  error_description: string;
}

/** Checks an OAuth error response: RFC 6749 section 5.2. */
export function expectOAuthError(response: HttpResponse<unknown>, status: 400 | 401, error: string): void {
  const body = response.body as OAuthErrorBody;
  expect({ status: response.status, error: body?.error }).toEqual({ status, error });
  expect(Object.keys(body).sort()).toEqual(['error', 'error_description']);
  expect(body.error_description).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
  expect(JSON.stringify(body)).not.toMatch(/eyJ/);
  expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
  expectNeverStored(response);
  const challenge = response.headers.get('www-authenticate');
  expect(challenge).toBe(status === 401 ? 'Basic realm="latchkey"' : null);
}

/** The cache headers of RFC 6749 section 5.1. */
export function expectNeverStored({ headers }: HttpResponse<unknown>): void {
  expect([headers.get('cache-control'), headers.get('pragma')]).toEqual(['no-store', 'no-cache']);
}

export function exchange(http: Http, refreshToken: string, more: Record<string, string> = {}) {
  const form = { grant_type: 'refresh_token', refresh_token: refreshToken, ...more };
  return http.post<TokenResponse & OAuthErrorBody>('/oauth/token', { form });
}

/** Rotates a session `times` times and acknowledges each generation; returns all its tokens, oldest first. */
export async function rotated(test: TestApp, first: TokenResponse, times: number): Promise<TokenResponse[]> {
  const all = [first];
  for (let i = 0; i < times; i++) {
    await test.http.get('/auth/whoami', { token: all.at(-1)!.access_token });
    await test.flush();
    test.clock.move('121s');
    all.push((await refresh(test.http, all.at(-1)!.refresh_token)).body);
  }
  return all;
}
