import type { Delivery } from './api.js';
import { post, tokensIn } from './auth-calls.js';
import { backOffMs } from './back-off.js';
import type { Access, Held } from './credential.js';
import { isPassing, LatchkeyError } from './latchkey-error.js';
import type { Platform } from './platform.js';
import type { SessionKeeper } from './session-keeper.js';

/** Before the server's leeway (60 s) is over: an older answer must not come after it. */
const GIVE_UP_MS = 30_000;
/** The server forgives tabs that refresh at once, so the lock only spares it work and is not worth more. */
const LOCK_WAIT_MS = 3_000;
/** What a call waits for the next attempt; when it would be longer, the call is told. */
const PATIENCE_MS = 4_000;

/** Renews the access token when a call needs it: one refresh at a time in a tab, and, where it can, in a browser. */
export class Refresher {
  private flight: Promise<void> | undefined;
  private failures = 0;
  private notBefore = -Infinity;
  private lastError: unknown;
  private wakeUp: () => void = () => undefined;

  constructor(
    private readonly keeper: SessionKeeper,
    private readonly delivery: Delivery,
    private readonly address: string,
    private readonly platform: Platform,
  ) {}

  /**
   * The access token to send now; null when nobody is signed in. Throws what the refresh was refused with, or what `fetch`
   * throws without an answer.
   */
  async access(): Promise<Access | null> {
    const held = await this.keeper.look();
    if (!held) return null;
    const { access } = this.keeper;
    const now = this.platform.now();
    // Alongside: this call has no need of it, and the next has its answer.
    if (access && now < access.deadAt) {
      if (now >= access.dueAt) void this.refresh().catch(() => undefined);
      return access;
    }
    await this.refresh();
    // Somebody signed in meanwhile: what was renewed was not theirs.
    return this.keeper.session?.id === held.sessionId ? this.keeper.access : this.access();
  }

  /** The network is back, or the page is looked at again: what failed before says nothing about now. */
  wake(): void {
    this.notBefore = -Infinity;
    this.wakeUp();
  }

  private refresh(): Promise<void> {
    return (this.flight ??= this.attempts().finally(() => (this.flight = undefined)));
  }

  private async attempts(): Promise<void> {
    const { platform } = this;
    const before = this.keeper.access;
    const giveUp = platform.timeout(GIVE_UP_MS);
    if (platform.now() < this.notBefore) throw this.lastError;
    for (;;) {
      try {
        await platform.alone(`${this.address} refresh`, LOCK_WAIT_MS, () => this.attempt(before, giveUp));
        this.failures = 0;
        return;
      } catch (error) {
        if (!isPassing(error)) throw error;
        this.failures += 1;
        const { retryAfter } = error as Partial<LatchkeyError>;
        const wait = backOffMs(this.failures, retryAfter, platform.random());
        this.notBefore = platform.now() + wait;
        this.lastError = error;
        this.keeper.report({ type: 'retry', error, inMs: wait });
        // A tab in the background tries once: nobody waits for it.
        if (giveUp.aborted || wait > PATIENCE_MS || platform.hidden()) throw error;
        await Promise.race([platform.sleep(wait), new Promise<void>((resolve) => (this.wakeUp = resolve))]);
      }
    }
  }

  private async attempt(before: Access | null, giveUp: AbortSignal): Promise<void> {
    const held = await this.keeper.look();
    if (!held) return;
    if (this.wasHanded(before)) return this.keeper.report({ type: 'waited' });
    const presented = this.delivery === 'cookie' ? { session_id: held.sessionId } : { refresh_token: held.text };
    try {
      const answer = await post(this.platform, this.address, this.delivery, presented, { signal: giveUp });
      await this.keeper.keep(await tokensIn(answer), held);
    } catch (error) {
      if (!endsSession(error, held, this.delivery)) throw error;
      if (await this.keeper.drop(({ text }) => text === held.text, endingOf(error, held))) throw error;
      // Another tab has kept a newer one, or somebody has signed in: this refusal is not about that.
      giveUp.throwIfAborted();
      await this.attempt(before, giveUp);
    }
  }

  /** Another tab has refreshed while this one waited for its turn. */
  private wasHanded(before: Access | null): boolean {
    const { access } = this.keeper;
    return access !== null && access !== before && this.platform.now() < access.dueAt;
  }
}

/** In `cookie` delivery nothing is left to drop when the browser has no such cookie: only the note of it. */
function endsSession(error: unknown, held: Held, delivery: Delivery): error is LatchkeyError {
  if (!(error instanceof LatchkeyError)) return false;
  const isGone = delivery === 'cookie' && error.code === 'refresh_token_missing';
  return isGone || (error.terminal && (error.sessionId ?? held.sessionId) === held.sessionId);
}

export function endingOf({ code, because }: LatchkeyError, { sessionId }: { sessionId: string }) {
  return { sessionId, code, ...(because && { because }) };
}
