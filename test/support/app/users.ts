import { randomBytes } from 'node:crypto';
import type { HttpResponse, Http, ProblemBody, TokenResponse } from '../http/http.js';

export const PASSWORD = 'a long enough passphrase';

/** An e-mail address without an account. */
export function someEmail(): string {
  return `user-${randomBytes(6).toString('hex')}@example.com`;
}

/** Registers a new user. */
export async function register(http: Http, email: string = someEmail(), password: string = PASSWORD) {
  const { status, body } = await http.post('/auth/register', { json: { email, password } });
  if (status !== 201) throw new Error(`register: ${status} ${JSON.stringify(body)}`);
  return { email, password, tokens: body as TokenResponse };
}

/** So many new users. A few at a time: beyond that the hashing queue refuses them on a busy machine. */
export async function registerMany(http: Http, count: number) {
  const users: Awaited<ReturnType<typeof register>>[] = [];
  while (users.length < count) {
    const few = Math.min(4, count - users.length);
    users.push(...(await Promise.all(Array.from({ length: few }, () => register(http)))));
  }
  return users;
}

export async function login(http: Http, email: string, password: string = PASSWORD): Promise<TokenResponse> {
  const { status, body } = await http.post('/auth/login', { json: { email, password } });
  if (status !== 200) throw new Error(`login: ${status} ${JSON.stringify(body)}`);
  return body as TokenResponse;
}

export function refresh(http: Http, refreshToken: string): Promise<HttpResponse<TokenResponse & ProblemBody>> {
  return http.post<TokenResponse & ProblemBody>('/auth/refresh', { json: { refresh_token: refreshToken } });
}

/** The payload of a JWT, unchecked. */
export function claimsOf(token: string): Record<string, any> {
  return JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as Record<string, never>;
}
