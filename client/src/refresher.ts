import type { Delivery } from './api.js';
import { credentialBody, post, readTokens, type Server } from './auth-calls.js';
import { backOffMs } from './back-off.js';
import type { EndedSession } from './changes.js';
import type { AccessToken, StoredCredential } from './credential.js';
import { isTransient, LatchkeyError } from './latchkey-error.js';
import type { SessionKeeper } from './session-keeper.js';

/** Shorter than the server's leeway (60 s): a late response must not arrive after the leeway is over. */
const TIMEOUT_MS = 30_000;
/** The lock only saves requests: the server tolerates tabs that refresh at the same time. */
const LOCK_WAIT_MS = 3_000;
/** Shorter than for a refresh, because the user waits for the sign-in. */
const REPLACE_WAIT_MS = 500;
/** A caller waits at most this long for a retry. With a longer wait, the call rejects. */
export const MAX_WAIT_MS = 4_000;

/** The refreshes of one session. Another session starts without the failures and waits of this one. */
interface RefreshState {
  sessionId: string;
  /** The refresh in flight, which all callers share. */
  inFlight?: Promise<void> | undefined;
  /** The access token at the start of that refresh. */
  before?: AccessToken | null;
  failures: number;
  notBefore: number;
  lastError?: unknown;
  /** Ends the wait for the next retry. */
  resume?: () => void;
}

/** Refreshes the access token when a call needs it: single flight in a tab and, with Web Locks, in a browser. */
export class Refresher {
  private state: RefreshState | undefined;
  private replacement: Promise<unknown> | undefined;

  constructor(
    private readonly keeper: SessionKeeper,
    private readonly server: Server,
  ) {}

  /**
   * An access token that can be sent now; null when nobody is signed in. Throws the error of the refresh: `LatchkeyError`,
   * or the error of `fetch` when there is no response.
   */
  async access(): Promise<AccessToken | null> {
    const stored = await this.keeper.sync();
    if (!stored) return null;
    const { access } = this.keeper;
    const now = this.server.platform.now();
    if (access && now < access.usableUntil) {
      // In the background: this call has a valid token, and later calls use the result.
      if (now >= access.refreshAt) void this.refresh(stored).catch(() => undefined);
      return access;
    }
    await this.refresh(stored);
    // If another user signed in meanwhile, the refreshed token is not theirs.
    const isSame = this.keeper.session?.id === stored.sessionId;
    return (isSame && this.keeper.access) || this.access();
  }

  /**
   * Runs work that replaces this session by a new one. Refreshes in all tabs wait for it: the server revokes the old
   * session before the client knows the new one.
   */
  replace<T>(work: () => Promise<T>): Promise<T> {
    const { session } = this.keeper;
    const done = session ? this.server.platform.withLock(lockOf(session.id), REPLACE_WAIT_MS, work) : work();
    this.replacement = done;
    return done.finally(() => {
      if (this.replacement === done) this.replacement = undefined;
    });
  }

  /** Retries at once: the network is back, or the page became visible. A `Retry-After` of the server still holds. */
  resume(): void {
    const { state } = this;
    if (!state || (state.lastError as Partial<LatchkeyError> | undefined)?.retryAfter) return;
    state.notBefore = 0;
    state.resume?.();
  }

  private async refresh({ sessionId }: StoredCredential): Promise<void> {
    if (this.state?.sessionId !== sessionId) {
      this.state = { sessionId, failures: 0, notBefore: 0 };
    }
    const { state } = this;
    // The server refused the access token after this refresh began, so its result may be outdated too: refresh again.
    if (state.inFlight && state.before && !this.keeper.access) await state.inFlight.catch(() => undefined);
    return (state.inFlight ??= this.attempts(state).finally(() => (state.inFlight = undefined)));
  }

  private async attempts(state: RefreshState): Promise<void> {
    const { platform } = this.server;
    const before = (state.before = this.keeper.access);
    if (platform.now() < state.notBefore) throw state.lastError;
    const timeout = platform.timeout(TIMEOUT_MS);
    for (;;) {
      try {
        await platform.withLock(lockOf(state.sessionId), LOCK_WAIT_MS, () => this.attempt(before, timeout));
        state.failures = 0;
        return;
      } catch (error) {
        if (this.keeper.session?.id !== state.sessionId) throw error;
        state.failures += 1;
        const { retryAfter } = error as Partial<LatchkeyError>;
        const wait = backOffMs(state.failures, retryAfter, platform.random());
        state.notBefore = platform.now() + wait;
        state.lastError = error;
        this.keeper.report({ type: 'retry', error, inMs: wait });
        // A hidden tab tries once: no user waits for it.
        if (!isTransient(error) || timeout.aborted || wait > MAX_WAIT_MS || platform.hidden()) throw error;
        await Promise.race([platform.sleep(wait), new Promise<void>((resolve) => (state.resume = resolve))]);
      }
    }
  }

  private async attempt(before: AccessToken | null, signal: AbortSignal): Promise<void> {
    const stored = await this.keeper.sync();
    if (!stored) return;
    const { server, keeper } = this;
    const { access } = keeper;
    // Another tab refreshed while this one waited for the lock.
    if (access && access !== before && server.platform.now() < access.refreshAt)
      return keeper.report({ type: 'waited' });
    const body = credentialBody(server.delivery, stored.sessionId, stored.text);
    try {
      const response = await post(server, '/auth/refresh', body, { signal });
      await this.keeper.saveRefreshed(await readTokens(response), stored);
    } catch (error) {
      if (!isTerminal(error, stored, server.delivery)) throw error;
      // A session replacement in flight may be the cause. It stores the new session first.
      await this.replacement?.catch(() => undefined);
      if (await this.keeper.drop(stored.sessionId, endedSession(error, stored), stored.text)) throw error;
      // The store has another credential by now, and this error is not about that one.
      signal.throwIfAborted();
      await this.attempt(before, signal);
    }
  }
}

function lockOf(sessionId: string): string {
  return `latchkey ${sessionId}`;
}

/** In `cookie` delivery a missing cookie is terminal too: the browser has lost the refresh token. */
function isTerminal(error: unknown, stored: StoredCredential, delivery: Delivery): error is LatchkeyError {
  return (
    error instanceof LatchkeyError &&
    ((delivery === 'cookie' && error.code === 'refresh_token_missing') ||
      (error.terminal && (error.sessionId ?? stored.sessionId) === stored.sessionId))
  );
}

export function endedSession({ code, reason }: LatchkeyError, { sessionId }: { sessionId: string }): EndedSession {
  return { sessionId, code, reason };
}
