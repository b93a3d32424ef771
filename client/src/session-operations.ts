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

export async function register(parts: ClientParts, account: NewAccount): Promise<Session | null> {
  const response = await postCredentials(parts, '/auth/register', account);
  return response.status === 202 ? null : startSession(parts, response);
}

export function login(parts: ClientParts, credentials: Credentials): Promise<Session> {
  return parts.refresher.replace(async () =>
    startSession(parts, await postCredentials(parts, '/auth/login', credentials)),
  );
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

export async function changePassword(parts: ClientParts, passwords: Passwords): Promise<Session> {
  const { keeper, refresher } = parts;
  for (let isFirst = true; ; isFirst = false) {
    const access = await refresher.access();
    if (!access) throw userChanged();
    try {
      return await refresher.replace(() => postPassword(parts, passwords, access));
    } catch (error) {
      if (!(error instanceof LatchkeyError) || error.status !== 401) throw error;
      keeper.invalidate(access);
      if (!isFirst) throw error;
    }
  }
}

async function postPassword(parts: ClientParts, passwords: Passwords, access: AccessToken): Promise<Session> {
  const { keeper } = parts;
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${access.token}` };
  const tokens = await readTokens(await post(parts, '/auth/password', passwords, { headers }));
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

/** Signs in or registers, in the delivery of this client. */
function postCredentials(server: Server, path: string, body: object): Promise<Response> {
  const { delivery } = server;
  return post(server, path, delivery === 'cookie' ? { ...body, delivery } : body);
}

async function startSession({ keeper }: ClientParts, response: Response): Promise<Session> {
  await keeper.startSession(await readTokens(response));
  return keeper.session!;
}
