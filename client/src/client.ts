import type { Activity } from './activity.js';
import { apiBase } from './address.js';
import type { Credentials, Delivery, NewAccount, Passwords, SessionView } from './api.js';
import { credentialBody, post, readTokens } from './auth-calls.js';
import { authorizedFetch } from './authorized-fetch.js';
import { backOffMs } from './back-off.js';
import type { Session } from './changes.js';
import type { AccessToken } from './credential.js';
import { errorOf, isTransient, LatchkeyError, userChanged } from './latchkey-error.js';
import type { Platform } from './platform.js';
import { MAX_WAIT_MS, Refresher } from './refresher.js';
import { SessionKeeper, type Listener } from './session-keeper.js';
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

const LOGOUT_TRIES = 3;
/** A storage event can arrive before the message of the other tab, which has the reason of the change. */
const MESSAGE_DELAY_MS = 150;

export function clientOn(platform: Platform, options: ClientOptions): Client {
  const { delivery = 'body' } = options;
  const base = apiBase(options.baseUrl);
  const route = (path: string) => base.href.replace(/\/$/, '') + path;
  const origins = (options.origins ?? []).map((origin) => new URL(origin).origin);
  const store = options.store ?? (delivery === 'cookie' ? localStorageStore() : memoryStore());

  const keeper = new SessionKeeper(delivery, store, platform, base.href, options.onActivity);
  const refresher = new Refresher(keeper, delivery, route('/auth/refresh'), platform);
  const unwatch = platform.watch({
    onResume: () => {
      refresher.resume();
      sync();
    },
    onStorage: () => void platform.sleep(MESSAGE_DELAY_MS).then(sync),
  });
  const sync = () => void keeper.sync().catch(() => undefined);
  const call = authorizedFetch(keeper, refresher, platform, base, origins);

  async function fetchOk(path: string, init?: RequestInit): Promise<Response> {
    const response = await call(path, init);
    if (!response.ok) throw await errorOf(response);
    return response;
  }

  const postCredentials = (path: string, body: object) =>
    post(platform, route(path), delivery, delivery === 'cookie' ? { ...body, delivery } : body);

  async function startSession(response: Response): Promise<Session> {
    await keeper.startSession(await readTokens(response));
    return keeper.session!;
  }

  /** Retries while the server is busy for a moment. */
  async function postLogout(body: object): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        await post(platform, route('/auth/logout'), delivery, body, { keepalive: true });
        return;
      } catch (error) {
        // The session is over already.
        if (error instanceof LatchkeyError && error.status === 401) return;
        const wait = backOffMs(tries, (error as Partial<LatchkeyError>).retryAfter, platform.random());
        if (!isTransient(error) || tries === LOGOUT_TRIES || wait > MAX_WAIT_MS) throw error;
        await platform.sleep(wait);
      }
    }
  }

  async function postPassword(passwords: Passwords, access: AccessToken): Promise<Session> {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${access.token}` };
    const response = await post(platform, route('/auth/password'), delivery, passwords, { headers });
    const tokens = await readTokens(response);
    if (await keeper.startSession(tokens, access.sessionId)) return keeper.session!;
    // A user signed out or in meanwhile: revoke the new session.
    await postLogout(credentialBody(delivery, tokens.session_id, tokens.refresh_token));
    throw userChanged();
  }

  return {
    async register(account) {
      const response = await postCredentials('/auth/register', account);
      return response.status === 202 ? null : startSession(response);
    },

    login: (credentials) =>
      refresher.replace(async () => startSession(await postCredentials('/auth/login', credentials))),

    async logout() {
      const stored = await keeper.sync();
      // The store first: a refresh in flight must not store its response, and no other tab may refresh again.
      const dropping = stored && keeper.drop(stored.sessionId);
      if (dropping && !(await dropping.catch(() => true))) return;
      // The cookie may exist even where the store is empty.
      if (stored || delivery === 'cookie') {
        await postLogout(credentialBody(delivery, stored?.sessionId, stored?.text));
      }
      // Rejects when the store could not be cleared.
      await dropping;
    },

    async changePassword(passwords) {
      for (let isFirst = true; ; isFirst = false) {
        const access = await refresher.access();
        if (!access) throw userChanged();
        try {
          return await refresher.replace(() => postPassword(passwords, access));
        } catch (error) {
          if (!(error instanceof LatchkeyError) || error.status !== 401) throw error;
          keeper.invalidate(access);
          if (!isFirst) throw error;
        }
      }
    },

    fetch: call,

    session: async () => {
      await keeper.sync();
      return keeper.session;
    },

    onChange(listener) {
      sync();
      return keeper.onChange(listener);
    },

    sessions: {
      list: async () => (await (await fetchOk('/sessions')).json()) as SessionView[],
      async revoke(id) {
        await fetchOk(`/sessions/${encodeURIComponent(id)}`, { method: 'DELETE' });
        await keeper.drop(id);
      },
      async revokeOthers() {
        await fetchOk('/sessions?except=current', { method: 'DELETE' });
      },
    },

    close() {
      unwatch();
      keeper.close();
    },
  };
}
