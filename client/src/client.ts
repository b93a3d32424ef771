import type { Activity } from './activity.js';
import { apiBase } from './address.js';
import type { Credentials, Delivery, NewAccount, Passwords, SessionView } from './api.js';
import { post, readTokens } from './auth-calls.js';
import { authorizedFetch } from './authorized-fetch.js';
import { backOffMs } from './back-off.js';
import type { Session } from './changes.js';
import type { Access } from './credential.js';
import { errorOf, isTransient, LatchkeyError, userChanged } from './latchkey-error.js';
import type { Platform } from './platform.js';
import { PATIENCE_MS, Refresher } from './refresher.js';
import { SessionKeeper, type Listener } from './session-keeper.js';
import { localStorageStore, memoryStore, type TokenStore } from './token-store.js';

export interface ClientOptions {
  /** Where the server is, as `https://auth.example.com`, or `/api` for a path of the page's own origin. */
  baseUrl: string;
  /** `body` unless said otherwise; it stays with a session. */
  delivery?: Delivery;
  /**
   * Where the refresh token is kept: in memory, unless said otherwise. In `cookie` delivery, where the browser keeps it, a
   * note of whose session it is: in `localStorage`, unless said otherwise.
   */
  store?: TokenStore;
  /** Services of your own, as `https://reports.example.com`, that may have the access token too. */
  origins?: string[];
  /** Told what the client does by itself, for a log or a debugger. */
  onActivity?: (activity: Activity) => void;
}

export interface Client {
  /** Makes an account and signs in. Null where the address has to be verified first. Throws `LatchkeyError`. */
  register(account: NewAccount): Promise<Session | null>;
  /** Signs in. Throws `LatchkeyError`: `invalid_credentials`, `hashing_busy` … */
  login(credentials: Credentials): Promise<Session>;
  /** Signs out in all tabs at once, and tells the server. Throws when it could not be told: its session lives on. */
  logout(): Promise<void>;
  /** Every session from before ends; this browser has a new one. Throws `LatchkeyError`. */
  changePassword(passwords: Passwords): Promise<Session>;
  /** As the platform's, with the access token. A path like `/users/me` is below `baseUrl`. */
  fetch(input: Parameters<typeof fetch>[0], init?: RequestInit): Promise<Response>;
  /** Who is signed in, by what storage holds: asks no server. */
  session(): Promise<Session | null>;
  /** Returns the function that removes the listener. */
  onChange(listener: Listener): () => void;
  sessions: {
    list(): Promise<SessionView[]>;
    revoke(id: string): Promise<void>;
    revokeOthers(): Promise<void>;
  };
  /** Stops listening to other tabs: for tests, and for pages that make another client. */
  close(): void;
}

const LOGOUT_TRIES = 3;
/** What another tab says about a change of storage comes by the channel, often after the browser's own word. */
const CHANNEL_MS = 150;

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
    onStorage: () => void platform.sleep(CHANNEL_MS).then(sync),
  });
  const sync = () => void keeper.sync().catch(() => undefined);
  const call = authorizedFetch(keeper, refresher, platform, base, origins);

  async function asked(path: string, init?: RequestInit): Promise<Response> {
    const response = await call(path, init);
    if (!response.ok) throw await errorOf(response);
    return response;
  }

  const signIn = (path: string, body: object) =>
    post(platform, route(path), delivery, delivery === 'cookie' ? { ...body, delivery } : body);

  async function begun(response: Response): Promise<Session> {
    await keeper.startSession(await readTokens(response));
    return keeper.session!;
  }

  /** Tells the server, which may be busy for a moment. */
  async function postLogout(body: object): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        await post(platform, route('/auth/logout'), delivery, body, { keepalive: true });
        return;
      } catch (error) {
        // It has no such session: that was the wish.
        if (error instanceof LatchkeyError && error.status === 401) return;
        const wait = backOffMs(tries, (error as Partial<LatchkeyError>).retryAfter, platform.random());
        if (!isTransient(error) || tries === LOGOUT_TRIES || wait > PATIENCE_MS) throw error;
        await platform.sleep(wait);
      }
    }
  }

  async function changedPassword(passwords: Passwords, access: Access): Promise<Session> {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${access.token}` };
    const response = await post(platform, route('/auth/password'), delivery, passwords, { headers });
    const tokens = await readTokens(response);
    if (await keeper.startSession(tokens, access.sessionId)) return keeper.session!;
    // Somebody signed out, or in, meanwhile: nobody wants it any more.
    await postLogout(
      delivery === 'cookie' ? { session_id: tokens.session_id } : { refresh_token: tokens.refresh_token },
    );
    throw userChanged();
  }

  return {
    async register(account) {
      const response = await signIn('/auth/register', account);
      return response.status === 202 ? null : begun(response);
    },

    login: (credentials) => refresher.replace(async () => begun(await signIn('/auth/login', credentials))),

    async logout() {
      const stored = await keeper.sync();
      // First here: a refresh that is on its way finds nothing to put its response in, and no other tab asks again.
      const dropping = stored && keeper.drop(({ sessionId }) => sessionId === stored.sessionId);
      if (dropping && !(await dropping.catch(() => true))) return;
      // Without its note, a cookie may be there all the same.
      if (delivery === 'cookie') await postLogout(stored ? { session_id: stored.sessionId } : {});
      else if (stored) await postLogout({ refresh_token: stored.text });
      // What storage could not forget.
      await dropping;
    },

    async changePassword(passwords) {
      for (let isFirst = true; ; isFirst = false) {
        const access = await refresher.access();
        if (!access) throw userChanged();
        try {
          return await refresher.replace(() => changedPassword(passwords, access));
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
      list: async () => (await (await asked('/sessions')).json()) as SessionView[],
      async revoke(id) {
        await asked(`/sessions/${encodeURIComponent(id)}`, { method: 'DELETE' });
        await keeper.drop(({ sessionId }) => sessionId === id);
      },
      async revokeOthers() {
        await asked('/sessions?except=current', { method: 'DELETE' });
      },
    },

    close() {
      unwatch();
      keeper.close();
    },
  };
}
