import type { Delivery, TokenResponse } from './api.js';
import { errorOf, LatchkeyError } from './latchkey-error.js';
import type { Platform } from './platform.js';

/** One call to the routes that hand out tokens. Throws `LatchkeyError`, or what `fetch` throws without a response. */
export async function post(
  platform: Platform,
  address: string,
  delivery: Delivery,
  body: object,
  options: RequestInit = {},
): Promise<Response> {
  const response = await platform.fetch(address, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    // A cookie left from the other delivery would come beside the token, which the server refuses.
    credentials: delivery === 'cookie' ? 'include' : 'omit',
    // A redirect is no response of the API, and would carry the body along.
    redirect: 'error',
    ...options,
  });
  if (!response.ok) throw await errorOf(response);
  return response;
}

/** The tokens in a response. Throws `unexpected_response` for what cannot be read, as from a captive portal. */
export async function readTokens(response: Response): Promise<TokenResponse> {
  const text = await response.text();
  try {
    return (JSON.parse(text) ?? {}) as TokenResponse;
  } catch {
    throw new LatchkeyError(response.status, { code: 'unexpected_response' });
  }
}
