import { addressOf, mayCarryToken } from './address.js';
import type { AccessToken } from './credential.js';
import { errorOf, userChanged } from './latchkey-error.js';
import { endedSession } from './refresher.js';
import type { ClientParts } from './session-operations.js';

type Input = Parameters<typeof fetch>[0];

/** The codes after which a new access token may help. Other services use `invalid_token` (RFC 6750). */
const STALE = /^access_token_(expired|outdated|invalid)$/;

/**
 * `fetch` with the access token, for the API and the named origins. When the server refuses the token, it refreshes and
 * sends the request once more: a guard refuses before the request has any effect. Else the caller gets the response.
 */
export function authorizedFetch(
  { keeper, refresher, platform, base }: ClientParts,
  origins: readonly string[],
): (input: Input, init?: RequestInit) => Promise<Response> {
  return async (input, init) => {
    const given = typeof input === 'object' && 'headers' in input ? input : undefined;
    const address = addressOf(given ? given.url : (input as string | URL), base);
    if (!mayCarryToken(address, base, origins)) return platform.fetch(given ?? address.href, init);
    // Copies: the caller may change the originals while the call waits for a token.
    const request = given && new Request(given, init);
    const options = { ...init, body: copyOf(init?.body) } as RequestInit;
    const headers = request?.headers ?? new Headers(init?.headers);
    if (headers.has('authorization')) return platform.fetch(request ?? address.href, request ? undefined : options);

    const signal = request ? request.signal : init?.signal;
    const caller = keeper.session;
    const access = await unlessAborted(refresher.access(), signal);
    // One user's request must not be sent as another user who signed in meanwhile, nor without a token.
    if (caller && caller.userId !== access?.userId) throw userChanged();

    const send = (token: AccessToken | null) => {
      if (token) headers.set('authorization', `Bearer ${token.token}`);
      return request ? platform.fetch(request.clone()) : platform.fetch(address.href, { ...options, headers });
    };
    const response = await send(access);
    if (response.status !== 401 || !access) return response;

    const error = await errorOf(response);
    // Only the API itself can report that the session is over, no other service.
    const isTerminal = error.terminal && mayCarryToken(address, base, []);
    if (!isTerminal && !STALE.test(error.code) && !isInvalidToken(response)) return response;
    keeper.invalidate(access);
    const isConsumed = !request && !canBeReadAgain(options.body);
    if (isConsumed && !isTerminal) return response;
    // The refresh route knows the reason and clears the cookie. When it cannot be reached, the caller gets the first response,
    // and a terminal error drops the session without a reason.
    const renewed = await unlessAborted(
      refresher.access().catch(() => null),
      signal,
    );
    if (isTerminal && !keeper.access) {
      await keeper.drop(access.sessionId, endedSession(error, access));
    }
    if (isConsumed || renewed?.userId !== access.userId) return response;
    keeper.report({ type: 'resent', url: address.href });
    return send(renewed);
  };
}

function isInvalidToken({ headers }: Response): boolean {
  return /\berror="?invalid_token\b/.test(headers.get('www-authenticate') ?? '');
}

/** A copy of a body that the caller could change. */
function copyOf(body: unknown): unknown {
  if (body instanceof URLSearchParams) return new URLSearchParams(body);
  if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) return structuredClone(body);
  if (!(body instanceof FormData)) return body;
  const copy = new FormData();
  body.forEach((value, name) => copy.append(name, value));
  return copy;
}

/** A stream can be sent only once, and so can an async iterable, which Node takes. All other kinds can be sent again. */
function canBeReadAgain(body: unknown): boolean {
  const { getReader, [Symbol.asyncIterator]: iterate } = Object(body) as Partial<
    ReadableStream & AsyncIterable<unknown>
  >;
  return !getReader && !iterate;
}

/** Rejects when the caller aborts. The refresh goes on for the other callers. */
async function unlessAborted(
  access: Promise<AccessToken | null>,
  signal: AbortSignal | null | undefined,
): Promise<AccessToken | null> {
  if (!signal) return access;
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop);
  });
  return Promise.race([access, aborted]).finally(() => signal.removeEventListener('abort', stop));
}
