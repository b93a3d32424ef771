import { expect } from 'vitest';
import type { TestApp } from './app.js';
import type { Answer, Http, TokenResponse } from './http.js';
import { refresh } from './people.js';

export interface OAuthErrorBody {
  error: string;
  error_description: string;
}

/** Holds an answer to RFC 6749 section 5.2. */
export function expectOAuthError(answer: Answer<unknown>, status: 400 | 401, error: string): void {
  const body = answer.body as OAuthErrorBody;
  expect({ status: answer.status, error: body?.error }).toEqual({ status, error });
  expect(Object.keys(body).sort()).toEqual(['error', 'error_description']);
  expect(body.error_description).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
  expect(JSON.stringify(body)).not.toMatch(/eyJ/);
  expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
  expectNeverStored(answer);
  const challenge = answer.headers.get('www-authenticate');
  expect(challenge).toBe(status === 401 ? 'Basic realm="latchkey"' : null);
}

/** RFC 6749 section 5.1. */
export function expectNeverStored({ headers }: Answer<unknown>): void {
  expect([headers.get('cache-control'), headers.get('pragma')]).toEqual(['no-store', 'no-cache']);
}

export function exchange(http: Http, refreshToken: string, more: Record<string, string> = {}) {
  const form = { grant_type: 'refresh_token', refresh_token: refreshToken, ...more };
  return http.post<TokenResponse & OAuthErrorBody>('/oauth/token', { form });
}

/** Lets a session go through `times` rotations, each of them used; answers all its tokens, oldest first. */
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
