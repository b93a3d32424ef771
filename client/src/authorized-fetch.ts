import { addressOf, mayCarryToken } from './address.js';
import type { Access } from './credential.js';
import { errorOf, LatchkeyError } from './latchkey-error.js';
import type { Platform } from './platform.js';
import { endingOf, type Refresher } from './refresher.js';
import type { SessionKeeper } from './session-keeper.js';

type Input = Parameters<typeof fetch>[0];

/** Where a refresh may help. A resource server of somebody else says it as RFC 6750 does. */
const STALE = /^access_token_(expired|outdated|invalid)$/;

/**
 * `fetch` with the access token, to the API and the origins that were named. A refused token is renewed and the request
 * sent once more, where it can be: a guard refuses before anything was done. Else the caller has the answer as it came.
 */
export function authorizedFetch(
  keeper: SessionKeeper,
  refresher: Refresher,
  platform: Platform,
  base: URL,
  origins: readonly string[],
): (input: Input, init?: RequestInit) => Promise<Response> {
  return async (input, init) => {
    const request = typeof input === 'string' || input instanceof URL ? undefined : input;
    const address = addressOf(request ? request.url : (input as string | URL), base);
    const headers = new Headers(init?.headers ?? request?.headers);
    const target = request ?? address.href;
    if (!mayCarryToken(address, base, origins) || headers.has('authorization')) return platform.fetch(target, init);

    const signal = init?.signal ?? request?.signal;
    const caller = keeper.session;
    const access = await unlessAborted(refresher.access(), signal);
    // A form that one person filled in is not sent as another who signed in meanwhile.
    if (caller && access && caller.userId !== access.userId) throw new LatchkeyError(0, { code: 'user_changed' });

    const send = (token: Access | null) => {
      if (token) headers.set('authorization', `Bearer ${token.token}`);
      return platform.fetch(request?.clone() ?? address.href, { ...init, headers });
    };
    const answer = await send(access);
    if (answer.status !== 401 || !access) return answer;

    const refusal = await errorOf(answer);
    if (refusal.terminal && mayCarryToken(address, base, [])) {
      const { sessionId } = access;
      keeper.distrust(access);
      // The route of refreshes knows why it ended, and clears the cookie. Where it cannot be asked, this is the end too.
      await unlessAborted(refresher.access(), signal, true);
      if (!keeper.access) await keeper.drop((held) => held.sessionId === sessionId, endingOf(refusal, access));
      return answer;
    }
    if (!STALE.test(refusal.code) && !isInvalidToken(answer)) return answer;
    keeper.distrust(access);
    if (!canBeReadAgain(init?.body)) return answer;
    const renewed = await unlessAborted(refresher.access(), signal, true);
    if (renewed?.userId !== access.userId) return answer;
    keeper.report({ type: 'resent', url: address.href });
    return send(renewed);
  };
}

function isInvalidToken({ headers }: Response): boolean {
  return /\berror="?invalid_token\b/.test(headers.get('www-authenticate') ?? '');
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
 * @param forgiving null instead of what the refresh was refused with: there is an answer to give instead
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
