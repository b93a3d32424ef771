import type { Activity } from './activity.js';
import type { TokenResponse } from './api.js';
import type { Server } from './auth-calls.js';
import { changeBetween, type EndedSession, type Session, type SessionChange } from './changes.js';
import {
  isNewer,
  readAccess,
  readStored,
  readTokenResponse,
  type AccessToken,
  type ParsedTokens,
  type StoredCredential,
} from './credential.js';
import { unexpectedResponse } from './latchkey-error.js';
import type { Platform } from './platform.js';

export type Listener = (change: SessionChange) => void;

/** A message between tabs. It is only a hint: the store says which session is the current one. */
interface Message {
  access?: { token: string; expiresIn: number };
  ended?: EndedSession | undefined;
}

/**
 * Holds the session of this tab. The store is the source of truth and shared with the other tabs; the access token is
 * kept in memory only. All access to the store is serialized, so that within a tab no decision is based on an old state.
 */
export class SessionKeeper {
  /** Undefined until the first read: the session of a page that loads is no change. */
  private current: StoredCredential | null | undefined;
  private token: AccessToken | null = null;
  private ended: EndedSession | undefined;
  private nextSync: Promise<StoredCredential | null> | undefined;
  private lastTurn: Promise<unknown> = Promise.resolve();
  private readonly listeners = new Set<Listener>();
  private readonly tabs: ReturnType<Platform['channel']>;

  constructor(
    private readonly server: Server,
    private readonly onActivity?: (activity: Activity) => void,
  ) {
    this.tabs = server.platform.channel(`latchkey ${server.base.href}`, (message) => {
      void this.onMessage((message ?? {}) as Message).catch(() => undefined);
    });
  }

  /** Reads the store, and tells the listeners when the session has changed. Concurrent callers share one read. */
  sync(): Promise<StoredCredential | null> {
    return (this.nextSync ??= this.serialize(() => {
      this.nextSync = undefined;
      return this.read();
    }));
  }

  /** The session at the last read of the store. */
  get session(): Session | null {
    return asSession(this.current);
  }

  /** The access token of that session. It may be expired. */
  get access(): AccessToken | null {
    return this.token;
  }

  onChange(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /**
   * Stores a new session. With `replaced`, the id of the session that it replaces: only if nobody signed in or out
   * meanwhile, else it returns false. Throws `unexpected_response` for a malformed response.
   */
  async startSession(response: TokenResponse, replaced?: string): Promise<boolean> {
    const next = this.parse(response);
    return this.serialize(async () => {
      const stored = await this.read();
      // Another tab may already have dropped the replaced session, because the server revoked it first.
      const lastId = (stored ?? this.ended)?.sessionId;
      if (replaced && lastId !== replaced) return false;
      await this.save(next, response.expires_in);
      return true;
    });
  }

  /** Stores the response to a refresh of `presented`. It never replaces another session or a newer generation. */
  async saveRefreshed(response: TokenResponse, presented: { sessionId: string }): Promise<void> {
    const next = this.parse(response);
    if (next.stored.sessionId !== presented.sessionId) throw unexpectedResponse(200);
    return this.serialize(async () => {
      const stored = await this.read();
      if (stored?.sessionId !== presented.sessionId) return;
      await this.save(next.stored.generation < stored.generation ? { ...next, stored } : next, response.expires_in);
    });
  }

  /**
   * Clears the store if it still holds this session, and this `text` where it is given; returns whether it did. Without
   * `ended`, the user signed out.
   */
  drop(sessionId: string, ended?: EndedSession, text?: string): Promise<boolean> {
    return this.serialize(async () => {
      const stored = await this.read();
      if (stored?.sessionId !== sessionId || (text && stored.text !== text)) return false;
      this.ended = ended;
      // Before: a tab that finds the store empty knows why. After: a tab that read the store too early reads it again.
      this.tabs.broadcast({ ended } satisfies Message);
      await this.server.store.clear(this.server.base.href);
      this.update(null);
      this.tabs.broadcast({ ended } satisfies Message);
      return true;
    });
  }

  /** Removes an access token that the server refused, of any age. */
  invalidate({ token }: AccessToken): void {
    if (this.token?.token === token) this.token = null;
  }

  report(activity: Activity): void {
    if (this.onActivity) notify(this.onActivity, activity);
  }

  close(): void {
    this.listeners.clear();
    this.tabs.close();
  }

  private onMessage({ access, ended }: Message): Promise<void> {
    return this.serialize(async () => {
      this.ended = ended ?? this.ended;
      await this.read();
      const { platform } = this.server;
      const token = access && readAccess(access.token, access.expiresIn, platform.now(), platform.random());
      if (token) this.accept(token, 'tab', access!.expiresIn);
    });
  }

  private parse(response: TokenResponse): ParsedTokens {
    const { delivery, platform } = this.server;
    const next = readTokenResponse(delivery, response, platform.now(), platform.random());
    if (!next) throw unexpectedResponse(200);
    return next;
  }

  private async save({ stored, access }: ParsedTokens, expiresIn: number): Promise<void> {
    // Before the access token is used: its use acknowledges this generation to the server.
    if (stored.text !== this.current?.text) await this.server.store.write(stored.text, this.server.base.href);
    this.update(stored);
    this.accept(access, 'server', expiresIn);
    this.tabs.broadcast({ access: { token: access.token, expiresIn } } satisfies Message);
  }

  /** Ignores tokens of other sessions: tabs that do not share the store have sessions of their own. */
  private accept(next: AccessToken, from: 'server' | 'tab', expiresIn: number): void {
    if (next.sessionId !== this.current?.sessionId || !isNewer(next, this.token)) return;
    this.token = next;
    this.report({ type: 'token', from, expiresIn, generation: next.generation });
  }

  private async read(): Promise<StoredCredential | null> {
    const { delivery, base } = this.server;
    const stored = readStored(delivery, await this.server.store.read(base.href));
    this.update(stored);
    return stored;
  }

  private update(next: StoredCredential | null): void {
    const before = this.current;
    this.current = next;
    if (this.token?.sessionId !== next?.sessionId) this.token = null;
    const change = before === undefined ? null : changeBetween(asSession(before), asSession(next), this.ended);
    if (change) for (const listener of new Set(this.listeners)) notify(listener, change);
  }

  private serialize<T>(step: () => Promise<T>): Promise<T> {
    const turn = this.lastTurn.then(step);
    this.lastTurn = turn.catch(() => undefined);
    return turn;
  }
}

function asSession(stored: StoredCredential | null | undefined): Session | null {
  return stored ? { id: stored.sessionId, userId: stored.userId } : null;
}

/** Calls a listener. Its exception is reported as uncaught, and does not fail the operation that caused the event. */
function notify<T>(listener: (event: T) => void, event: T): void {
  try {
    listener(event);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
