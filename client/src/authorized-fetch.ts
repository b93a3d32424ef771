import { addressOf, mayCarryToken } from './address.js';
import type { Access } from './credential.js';
import { errorOf, userChanged } from './latchkey-error.js';
import type { Platform } from './platform.js';
import { endedSession, type Refresher } from './refresher.js';
import type { SessionKeeper } from './session-keeper.js';

type Input = Parameters<typeof fetch>[0];

/** Where a refresh may help. A resource server of somebody else says it as RFC 6750 does. */
const STALE = /^access_token_(expired|outdated|invalid)$/;

/**
 * `fetch` with the access token, to the API and the origins that were named. A refused token is renewed and the request
 * sent once more, where it can be: a guard refuses before anything was done. Else the caller has the response as it came.
 */
export function authorizedFetch(
  keeper: SessionKeeper,
  refresher: Refresher,
  platform: Platform,
  base: URL,
  origins: readonly string[],
): (input: Input, init?: RequestInit) => Promise<Response> {
  return async (input, init) => {
    const given = typeof input === 'object' && 'headers' in input ? input : undefined;
    const address = addressOf(given ? given.url : String(input), base);
    if (!mayCarryToken(address, base, origins)) return platform.fetch(given ?? address.href, init);
    // As they are now: what the caller makes of them later is not meant, as with the platform's.
    const request = given && new Request(given, init);
    const options = { ...init, body: copyOf(init?.body) } as RequestInit;
    const headers = request?.headers ?? new Headers(init?.headers);
    if (headers.has('authorization')) return platform.fetch(request ?? address.href, request ? undefined : options);

    const signal = request ? request.signal : init?.signal;
    const caller = keeper.session;
    const access = await unlessAborted(refresher.access(), signal);
    // A form that one person filled in is not sent as another who signed in meanwhile, nor as nobody.
    if (caller && caller.userId !== access?.userId) throw userChanged();

    const send = (token: Access | null) => {
      if (token) headers.set('authorization', `Bearer ${token.token}`);
      return request ? platform.fetch(request.clone()) : platform.fetch(address.href, { ...options, headers });
    };
    const response = await send(access);
    if (response.status !== 401 || !access) return response;

    const refusal = await errorOf(response);
    const isOver = refusal.terminal && mayCarryToken(address, base, []);
    if (!isOver && !STALE.test(refusal.code) && !isInvalidToken(response)) return response;
    keeper.invalidate(access);
    const isSpent = !request && !canBeReadAgain(options.body);
    if (isSpent && !isOver) return response;
    // Of an end, the route of refreshes knows why, and clears the cookie. Where it cannot be asked, this is the end too.
    const renewed = await unlessAborted(refresher.access(), signal, true);
    if (isOver && !keeper.access) {
      await keeper.drop(({ sessionId }) => sessionId === access.sessionId, endedSession(refusal, access));
    }
    if (isSpent || renewed?.userId !== access.userId) return response;
    keeper.report({ type: 'resent', url: address.href });
    return send(renewed);
  };
}

function isInvalidToken({ headers }: Response): boolean {
  return /\berror="?invalid_token\b/.test(headers.get('www-authenticate') ?? '');
}

/** What the caller may change while the call waits for a token. */
function copyOf(body: unknown): unknown {
  if (body instanceof URLSearchParams) return new URLSearchParams(body);
  if (body instanceof ArrayBuffer) return body.slice(0);
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength).slice();
  if (!(body instanceof FormData)) return body;
  const copy = new FormData();
  body.forEach((value, name) => copy.append(name, value));
  return copy;
}

/** A stream is spent when it was sent. What else a body can be is read anew each time. */
function canBeReadAgain(body: unknown): boolean {
  if (body === null || body === undefined || typeof body === 'string') return true;
  return (
    [Blob, FormData, URLSearchParams, ArrayBuffer].some((kind) => body instanceof kind) || ArrayBuffer.isView(body)
  );
}

/**
 * A caller who gives up stops waiting; the refresh goes on for the others.
 *
 * @param forgiving null instead of what the refresh was refused with: there is a response to give instead
 */
async function unlessAborted(
  access: Promise<Access | null>,
  signal: AbortSignal | null | undefined,
  forgiving = false,
): Promise<Access | null> {
  const settled = forgiving ? access.catch(() => null) : access;
  if (!signal) return settled;
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop);
  });
  return Promise.race([settled, aborted]).finally(() => signal.removeEventListener('abort', stop));
}
