import type { Activity } from './activity.js';
import type { Delivery, TokenResponse } from './api.js';
import { changeBetween, type EndedSession, type Session, type SessionChange } from './changes.js';
import {
  isNewer,
  readAccess,
  readTokenResponse,
  readStored,
  type Access,
  type StoredCredential,
} from './credential.js';
import { LatchkeyError } from './latchkey-error.js';
import type { Platform } from './platform.js';
import type { TokenStore } from './token-store.js';

export type Listener = (change: SessionChange) => void;

/** What tabs tell one another. It is a hint: storage says which session it is. */
interface Message {
  access?: { token: string; expiresIn: number };
  ended?: EndedSession | undefined;
}

/**
 * Holds the session of this tab. Storage is the truth, shared with the other tabs; the access token is kept in memory
 * only. All reading and writing is done in turn, so that within a tab nothing is decided by what has changed since.
 */
export class SessionKeeper {
  /** Undefined until storage was first read: who is signed in when a page loads is no change. */
  private seen: StoredCredential | null | undefined;
  private token: Access | null = null;
  private ended: EndedSession | undefined;
  private nextSync: Promise<StoredCredential | null> | undefined;
  private lastTurn: Promise<unknown> = Promise.resolve();
  private readonly listeners = new Set<Listener>();
  private readonly tabs: ReturnType<Platform['channel']>;

  constructor(
    private readonly delivery: Delivery,
    private readonly store: TokenStore,
    private readonly platform: Platform,
    private readonly server: string,
    private readonly watcher?: (activity: Activity) => void,
  ) {
    this.tabs = platform.channel(`latchkey ${server}`, (message) => {
      void this.onMessage((message ?? {}) as Message).catch(() => undefined);
    });
  }

  /** What storage holds now, or a moment later. Tells the listeners when it is another session than before. */
  sync(): Promise<StoredCredential | null> {
    return (this.nextSync ??= this.inTurn(() => {
      this.nextSync = undefined;
      return this.read();
    }));
  }

  /** Who was signed in when last looked. */
  get session(): Session | null {
    return asSession(this.seen);
  }

  /** The access token of that session, of whatever age. */
  get access(): Access | null {
    return this.token;
  }

  onChange(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /**
   * Keeps a session that has just begun. With `replaced`, the session that asked for it, only if nobody signed in or out
   * meanwhile: false otherwise. Throws `unexpected_response` for what is none of the server's.
   */
  async startSession(response: TokenResponse, replaced?: string): Promise<boolean> {
    const next = this.credentialsIn(response);
    return this.inTurn(async () => {
      const stored = await this.read();
      // The server ends it for the new one, and a tab that was told so first has dropped it.
      const lastId = (stored ?? this.ended)?.sessionId;
      if (replaced && lastId !== replaced) return false;
      await this.hold(next, response.expires_in);
      return true;
    });
  }

  /** Keeps the response to a refresh of `asked`, unless somebody signed in or out meanwhile or a newer one came. */
  async renew(response: TokenResponse, asked: StoredCredential): Promise<void> {
    const next = this.credentialsIn(response);
    if (next.stored.sessionId !== asked.sessionId) throw unexpected();
    return this.inTurn(async () => {
      const stored = await this.read();
      if (stored?.sessionId !== asked.sessionId) return;
      await this.hold(next.stored.generation < stored.generation ? { ...next, stored } : next, response.expires_in);
    });
  }

  /** Drops what is stored, if it still is what `isMeant` says; `ended` is why, unless somebody signed out. */
  drop(isMeant: (stored: StoredCredential) => boolean, ended?: EndedSession): Promise<boolean> {
    return this.inTurn(async () => {
      const stored = await this.read();
      if (!stored || !isMeant(stored)) return false;
      this.ended = ended;
      // Before and after: a tab that finds nothing left knows why, and one that looked too early looks again.
      this.tabs.broadcast({ ended } satisfies Message);
      await this.store.clear(this.server);
      this.see(null);
      this.tabs.broadcast({ ended } satisfies Message);
      return true;
    });
  }

  /** The server refused this access token, whatever its age here. */
  invalidate({ token }: Access): void {
    if (this.token?.token === token) this.token = null;
  }

  report(activity: Activity): void {
    if (this.watcher) tell(this.watcher, activity);
  }

  close(): void {
    this.listeners.clear();
    this.tabs.close();
  }

  private onMessage({ access, ended }: Message): Promise<void> {
    return this.inTurn(async () => {
      this.ended = ended ?? this.ended;
      await this.read();
      const token = access && readAccess(access.token, access.expiresIn, this.platform.now(), this.platform.random());
      if (token) this.take(token, 'tab', access!.expiresIn);
    });
  }

  private credentialsIn(response: TokenResponse): { stored: StoredCredential; access: Access } {
    const next = readTokenResponse(this.delivery, response, this.platform.now(), this.platform.random());
    if (!next) throw unexpected();
    return next;
  }

  private async hold(
    { stored, access }: { stored: StoredCredential; access: Access },
    expiresIn: number,
  ): Promise<void> {
    // Before the access token is used: its use proves to the server that we hold this generation.
    if (stored.text !== this.seen?.text) await this.store.write(stored.text, this.server);
    this.see(stored);
    this.take(access, 'server', expiresIn);
    this.tabs.broadcast({ access: { token: access.token, expiresIn } } satisfies Message);
  }

  /** Tabs that share no storage have sessions of their own. */
  private take(next: Access, from: 'server' | 'tab', expiresIn: number): void {
    if (next.sessionId !== this.seen?.sessionId || !isNewer(next, this.token)) return;
    this.token = next;
    this.report({ type: 'token', from, expiresIn, generation: next.generation });
  }

  private async read(): Promise<StoredCredential | null> {
    const stored = readStored(this.delivery, await this.store.read(this.server));
    this.see(stored);
    return stored;
  }

  private see(stored: StoredCredential | null): void {
    const before = this.seen;
    this.seen = stored;
    if (this.token?.sessionId !== stored?.sessionId) this.token = null;
    const change = before === undefined ? null : changeBetween(asSession(before), asSession(stored), this.ended);
    if (change) for (const listener of Array.from(this.listeners)) tell(listener, change);
  }

  private inTurn<T>(step: () => Promise<T>): Promise<T> {
    const turn = this.lastTurn.then(step);
    this.lastTurn = turn.catch(() => undefined);
    return turn;
  }
}

function unexpected(): LatchkeyError {
  return new LatchkeyError(200, { code: 'unexpected_response' });
}

function asSession(stored: StoredCredential | null | undefined): Session | null {
  return stored ? { id: stored.sessionId, userId: stored.userId } : null;
}

/** A listener's mistake is reported as its own, and undoes no sign-in. */
function tell<T>(listener: (news: T) => void, news: T): void {
  try {
    listener(news);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
