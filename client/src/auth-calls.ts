import { addressOf } from './address.js';
import type { Delivery, TokenResponse } from './api.js';
import { errorOf, unexpectedResponse } from './latchkey-error.js';
import type { Platform } from './platform.js';
import type { TokenStore } from './token-store.js';

/** The server, and how this client reaches it. */
export interface Server {
  platform: Platform;
  /** The address of the API. */
  base: URL;
  delivery: Delivery;
  store: TokenStore;
}

/** Posts to a route below `/auth`. Throws `LatchkeyError`, or the error of `fetch` when there is no response. */
export async function post(
  { platform, base, delivery }: Server,
  path: string,
  body: object,
  options?: RequestInit,
): Promise<Response> {
  const response = await platform.fetch(addressOf(path, base).href, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    // In `body` delivery an old cookie must stay out: the server refuses a cookie together with a token.
    credentials: delivery === 'cookie' ? 'include' : 'omit',
    // The API never redirects. A redirect would send the body, and its token, to another address.
    redirect: 'error',
    ...options,
  });
  if (!response.ok) throw await errorOf(response);
  return response;
}

/** The body that presents a refresh token. In `cookie` delivery it names the session whose cookie the browser sends. */
export function credentialBody(delivery: Delivery, sessionId?: string, refreshToken?: string): object {
  return delivery === 'cookie' ? { session_id: sessionId } : { refresh_token: refreshToken };
}

/** Parses a token response. Throws `unexpected_response` for anything but JSON, for example from a captive portal. */
export async function readTokens(response: Response): Promise<TokenResponse> {
  const text = await response.text();
  try {
    return (JSON.parse(text) ?? {}) as TokenResponse;
  } catch {
    throw unexpectedResponse(response.status);
  }
}
