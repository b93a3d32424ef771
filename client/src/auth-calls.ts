import type { Delivery, TokenAnswer } from './api.js';
import { errorOf, LatchkeyError } from './latchkey-error.js';
import type { Platform } from './platform.js';

/** One call to the routes that hand out tokens. Throws `LatchkeyError`, or what `fetch` throws without an answer. */
export async function post(
  platform: Platform,
  address: string,
  delivery: Delivery,
  body: object,
  options: RequestInit = {},
): Promise<Response> {
  const answer = await platform.fetch(address, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    // A cookie left from the other delivery would come beside the token, which the server refuses.
    credentials: delivery === 'cookie' ? 'include' : 'omit',
    // A redirect is no answer of the API, and would carry the body along.
    redirect: 'error',
    ...options,
  });
  if (!answer.ok) throw await errorOf(answer);
  return answer;
}

/** The tokens in an answer. Throws `unexpected_answer` for what cannot be read, as from a captive portal. */
export async function tokensIn(answer: Response): Promise<TokenAnswer> {
  const text = await answer.text();
  try {
    return (JSON.parse(text) ?? {}) as TokenAnswer;
  } catch {
    throw new LatchkeyError(answer.status, { code: 'unexpected_answer' });
  }
}
