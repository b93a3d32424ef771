import type { Activity } from './activity.js';
import { apiBase } from './address.js';
import type { Credentials, Delivery, NewAccount, Passwords, SessionView } from './api.js';
import { authorizedFetch } from './authorized-fetch.js';
import type { Session } from './changes.js';
import { errorOf } from './latchkey-error.js';
import type { Platform } from './platform.js';
import { Refresher } from './refresher.js';
import { SessionKeeper, type Listener } from './session-keeper.js';
import { changePassword, login, logout, register, type ClientParts } from './session-operations.js';
import { localStorageStore, memoryStore, type TokenStore } from './token-store.js';

export interface ClientOptions {
  /** The server's address: `https://auth.example.com`, or `/api` for a path of the page's own origin. */
  baseUrl: string;
  /** `body` by default. It is fixed for the life of a session. */
  delivery?: Delivery;
  /**
   * Where the refresh token is kept; in memory by default. In `cookie` delivery it holds only the ids of session and
   * user; in `localStorage` by default.
   */
  store?: TokenStore;
  /** Origins of your other services that may get the access token: `https://reports.example.com`. */
  origins?: string[];
  /** Gets what the client does by itself, for a log or a debugger. */
  onActivity?: (activity: Activity) => void;
}

export interface Client {
  /** Creates an account and signs in. Null where the e-mail address has to be verified first. Throws `LatchkeyError`. */
  register(account: NewAccount): Promise<Session | null>;
  /** Signs in. Throws `LatchkeyError`: `invalid_credentials`, `hashing_busy` … */
  login(credentials: Credentials): Promise<Session>;
  /** Signs out in all tabs and revokes the session. Throws when the server was not reached: the session stays valid there. */
  logout(): Promise<void>;
  /** Revokes all sessions of the user, and starts a new one in this browser. Throws `LatchkeyError`. */
  changePassword(passwords: Passwords): Promise<Session>;
  /** The platform's `fetch` with the access token. A path like `/users/me` is below `baseUrl`. */
  fetch(input: Parameters<typeof fetch>[0], init?: RequestInit): Promise<Response>;
  /** Who is signed in, according to the store. It sends no request. */
  session(): Promise<Session | null>;
  /** Returns the function that removes the listener. */
  onChange(listener: Listener): () => void;
  sessions: {
    list(): Promise<SessionView[]>;
    revoke(id: string): Promise<void>;
    revokeOthers(): Promise<void>;
  };
  /** Removes all listeners: for tests, and for pages that create another client. */
  close(): void;
}

/** What `accountOf` uses. It is a member of the client, so that it costs nothing in a page without accounts. */
export interface InternalClient extends Client {
  parts: ClientParts;
}

/** A storage event can arrive before the message of the other tab, which has the reason of the change. */
const MESSAGE_DELAY_MS = 150;

export function clientOn(platform: Platform, options: ClientOptions): InternalClient {
  const { baseUrl, delivery = 'body', origins = [] } = options;
  const base = apiBase(baseUrl);
  const store = options.store ?? (delivery === 'cookie' ? localStorageStore() : memoryStore());
  const server = { platform, base, delivery, store };
  const keeper = new SessionKeeper(server, options.onActivity);
  const refresher = new Refresher(keeper, server);
  const parts = { ...server, keeper, refresher };
  const allowed = origins.map((origin) => new URL(origin).origin);
  const call = authorizedFetch(parts, allowed);

  const sync = () => void keeper.sync().catch(() => undefined);
  const unwatch = platform.watch({
    onResume: () => {
      refresher.resume();
      sync();
    },
    onStorage: () => void platform.sleep(MESSAGE_DELAY_MS).then(sync),
  });
  return {
    parts,
    register: (account) => register(parts, account),
    login: (credentials) => login(parts, credentials),
    logout: () => logout(parts),
    changePassword: (passwords) => changePassword(parts, passwords),
    fetch: call,
    session: async () => {
      await keeper.sync();
      return keeper.session;
    },
    onChange(listener) {
      sync();
      return keeper.onChange(listener);
    },
    sessions: sessionsOf(call, keeper),
    close() {
      unwatch();
      keeper.close();
    },
  };
}

function sessionsOf(call: Client['fetch'], keeper: SessionKeeper): Client['sessions'] {
  const fetchOk = async (path: string, init?: RequestInit) => {
    const response = await call(path, init);
    if (!response.ok) throw await errorOf(response);
    return response;
  };
  return {
    list: async () => (await fetchOk('/sessions')).json() as Promise<SessionView[]>,
    async revoke(id) {
      await fetchOk(`/sessions/${encodeURIComponent(id)}`, { method: 'DELETE' });
      await keeper.drop(id);
    },
    async revokeOthers() {
      await fetchOk('/sessions?except=current', { method: 'DELETE' });
    },
  };
}
