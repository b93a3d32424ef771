import type { Credentials, NewAccount, Passwords } from './api.js';
import { credentialBody, post, readTokens, type Server } from './auth-calls.js';
import { backOffMs } from './back-off.js';
import type { Session } from './changes.js';
import type { AccessToken } from './credential.js';
import { isTransient, LatchkeyError, userChanged } from './latchkey-error.js';
import { MAX_WAIT_MS, type Refresher } from './refresher.js';
import type { SessionKeeper } from './session-keeper.js';

/** What the operations of one client share. */
export interface ClientParts extends Server {
  keeper: SessionKeeper;
  refresher: Refresher;
}

const LOGOUT_TRIES = 3;

export function register(parts: ClientParts, account: NewAccount): Promise<Session | null> {
  return signIn(parts, '/auth/register', account);
}

export function login(parts: ClientParts, credentials: Credentials): Promise<Session> {
  return parts.refresher.replace(async () => (await signIn(parts, '/auth/login', credentials, true))!);
}

export async function logout(parts: ClientParts): Promise<void> {
  const { delivery, keeper } = parts;
  const stored = await keeper.sync();
  // The store first: a refresh in flight must not store its response, and no other tab may refresh again.
  const dropping = stored && keeper.drop(stored.sessionId);
  if (dropping && !(await dropping.catch(() => true))) return;
  // The cookie may exist even where the store is empty.
  if (stored || delivery === 'cookie') {
    await postLogout(parts, credentialBody(delivery, stored?.sessionId, stored?.text));
  }
  // Rejects when the store could not be cleared.
  await dropping;
}

export function changePassword(parts: ClientParts, passwords: Passwords): Promise<Session> {
  return withAccess(parts, (access) => postPassword(parts, passwords, access));
}

/**
 * Runs work that changes the session, while refreshes in all tabs wait. It runs once more with a new access token when the
 * server refuses the first one. Throws `user_changed` when nobody is signed in.
 */
export async function withAccess<T>(parts: ClientParts, work: (access: AccessToken) => Promise<T>): Promise<T> {
  const { keeper, refresher } = parts;
  for (let isFirst = true; ; isFirst = false) {
    const access = await refresher.access();
    if (!access) throw userChanged();
    try {
      return await refresher.replace(() => work(access));
    } catch (error) {
      if (!(error instanceof LatchkeyError) || error.status !== 401) throw error;
      keeper.invalidate(access);
      if (!isFirst) throw error;
    }
  }
}

/** `post` with an access token. */
export function postAs({ token }: AccessToken, server: Server, path: string, body: object): Promise<Response> {
  return post(server, path, body, {
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
  });
}

async function postPassword(parts: ClientParts, passwords: Passwords, access: AccessToken): Promise<Session> {
  const { keeper } = parts;
  const tokens = await readTokens(await postAs(access, parts, '/auth/password', passwords));
  if (await keeper.startSession(tokens, access.sessionId)) return keeper.session!;
  // A user signed out or in meanwhile: revoke the new session.
  await postLogout(parts, credentialBody(parts.delivery, tokens.session_id, tokens.refresh_token));
  throw userChanged();
}

/** Retries while the server is busy for a moment. */
async function postLogout(parts: ClientParts, body: object): Promise<void> {
  const { platform } = parts;
  for (let tries = 1; ; tries += 1) {
    try {
      await post(parts, '/auth/logout', body, { keepalive: true });
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

/**
 * Null where the server responds 202: the account exists when its address is verified.
 *
 * In `body` delivery the server issues a device token, and a login presents it, so that guesses of strangers do not delay this
 * browser (OWASP "device cookie"). It authenticates nobody, and a sign-out keeps it. It is stored under one of five names: a
 * browser keeps at most five, and no name tells the address. Accounts may share a name: the server ignores the token of
 * another account.
 */
async function signIn(
  parts: ClientParts,
  path: string,
  body: Credentials,
  sendsDeviceToken?: boolean,
): Promise<Session | null> {
  const { keeper, delivery, base, store } = parts;
  const name = store.keyed && `${base.href} ${body.email.length % 5}`;
  const device_token = (sendsDeviceToken && name && (await store.read(name))) || undefined;
  const response = await post(parts, path, { ...body, delivery, device_token });
  if (response.status === 202) return null;
  const tokens = await readTokens(response);
  await keeper.startSession(tokens);
  if (name && tokens.device_token) await store.write(tokens.device_token, name);
  return keeper.session;
}
