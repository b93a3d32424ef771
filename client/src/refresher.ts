import type { Delivery } from './api.js';
import { post, readTokens } from './auth-calls.js';
import { backOffMs } from './back-off.js';
import type { Access, StoredCredential } from './credential.js';
import { isTransient, LatchkeyError } from './latchkey-error.js';
import type { Platform } from './platform.js';
import type { SessionKeeper } from './session-keeper.js';

/** Before the server's leeway (60 s) is over: an older response must not come after it. */
const GIVE_UP_MS = 30_000;
/** The server forgives tabs that refresh at once, so the lock only spares it work and is not worth more. */
const LOCK_WAIT_MS = 3_000;
/** A sign-in is what somebody waits for. */
const REPLACE_WAIT_MS = 500;
/** What somebody waits for the next attempt; when it would be longer, they are told. */
export const PATIENCE_MS = 4_000;

/** How it goes with the refreshes of one session: what went wrong for one person is nothing to the next. */
interface RefreshState {
  sessionId: string;
  flight?: Promise<void> | undefined;
  /** The access token that was there when the flight began. */
  before?: Access | null;
  failures: number;
  notBefore: number;
  lastError?: unknown;
  resume: () => void;
}

/** Renews the access token when a call needs it: one refresh at a time in a tab, and, where it can, in a browser. */
export class Refresher {
  private state: RefreshState | undefined;
  private replacement: Promise<unknown> | undefined;

  constructor(
    private readonly keeper: SessionKeeper,
    private readonly delivery: Delivery,
    private readonly address: string,
    private readonly platform: Platform,
  ) {}

  /**
   * The access token to send now; null when nobody is signed in. Throws what the refresh was refused with, or what `fetch`
   * throws without a response.
   */
  async access(): Promise<Access | null> {
    const stored = await this.keeper.sync();
    if (!stored) return null;
    const { access } = this.keeper;
    const now = this.platform.now();
    // Alongside: this call has no need of it, and the next has its response.
    if (access && now < access.deadAt) {
      if (now >= access.dueAt) void this.refresh(stored).catch(() => undefined);
      return access;
    }
    await this.refresh(stored);
    // Somebody signed in meanwhile: what was renewed was not theirs.
    const isSame = this.keeper.session?.id === stored.sessionId;
    return (isSame && this.keeper.access) || this.access();
  }

  /**
   * Does what ends this session and begins another: refreshes wait for it, here and in other tabs, as the server may have
   * ended the old session before the new one is known.
   */
  replace<T>(work: () => Promise<T>): Promise<T> {
    const { session } = this.keeper;
    const done = session ? this.platform.withLock(this.lockOf(session.id), REPLACE_WAIT_MS, work) : work();
    this.replacement = done;
    return done.finally(() => {
      if (this.replacement === done) this.replacement = undefined;
    });
  }

  /** The network is back, or the page is looked at again: what failed before says nothing about now. */
  resume(): void {
    const { state } = this;
    // The server's own word for when to come back still holds.
    if (!state || (state.lastError as Partial<LatchkeyError> | undefined)?.retryAfter) return;
    state.notBefore = -Infinity;
    state.resume();
  }

  private async refresh({ sessionId }: StoredCredential): Promise<void> {
    if (this.state?.sessionId !== sessionId) {
      this.state = { sessionId, failures: 0, notBefore: -Infinity, resume: () => undefined };
    }
    const { state } = this;
    // Begun with a token that the server has refused since, and perhaps judged before the reason for that.
    if (state.flight && state.before && !this.keeper.access) await state.flight.catch(() => undefined);
    return (state.flight ??= this.attempts(state).finally(() => (state.flight = undefined)));
  }

  private async attempts(state: RefreshState): Promise<void> {
    const { platform } = this;
    const before = (state.before = this.keeper.access);
    if (platform.now() < state.notBefore) throw state.lastError;
    const giveUp = platform.timeout(GIVE_UP_MS);
    for (;;) {
      try {
        await platform.withLock(this.lockOf(state.sessionId), LOCK_WAIT_MS, () => this.attempt(before, giveUp));
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
        // A tab in the background tries once: nobody waits for it.
        if (!isTransient(error) || giveUp.aborted || wait > PATIENCE_MS || platform.hidden()) throw error;
        await Promise.race([platform.sleep(wait), new Promise<void>((resolve) => (state.resume = resolve))]);
      }
    }
  }

  private async attempt(before: Access | null, giveUp: AbortSignal): Promise<void> {
    const stored = await this.keeper.sync();
    if (!stored) return;
    if (this.wasHanded(before)) return this.keeper.report({ type: 'waited' });
    const presented = this.delivery === 'cookie' ? { session_id: stored.sessionId } : { refresh_token: stored.text };
    try {
      const response = await post(this.platform, this.address, this.delivery, presented, { signal: giveUp });
      await this.keeper.renew(await readTokens(response), stored);
    } catch (error) {
      if (!endsSession(error, stored, this.delivery)) throw error;
      // Which may be what ended it.
      await this.replacement?.catch(() => undefined);
      if (await this.keeper.drop(({ text }) => text === stored.text, endedSession(error, stored))) throw error;
      // Another tab has kept a newer one, or somebody has signed in: this refusal is not about that.
      giveUp.throwIfAborted();
      await this.attempt(before, giveUp);
    }
  }

  private lockOf(sessionId: string): string {
    return `${this.address} ${sessionId}`;
  }

  /** Another tab has refreshed while this one waited for its turn. */
  private wasHanded(before: Access | null): boolean {
    const { access } = this.keeper;
    return access !== null && access !== before && this.platform.now() < access.dueAt;
  }
}

/** In `cookie` delivery nothing is left to drop when the browser has no such cookie: only the note of it. */
function endsSession(error: unknown, stored: StoredCredential, delivery: Delivery): error is LatchkeyError {
  if (!(error instanceof LatchkeyError)) return false;
  const isGone = delivery === 'cookie' && error.code === 'refresh_token_missing';
  return isGone || (error.terminal && (error.sessionId ?? stored.sessionId) === stored.sessionId);
}

export function endedSession({ code, reason }: LatchkeyError, { sessionId }: { sessionId: string }) {
  return { sessionId, code, ...(reason && { reason }) };
}
