import type { AccountExport, NewAccount, NewEmail, SecurityEventPage } from './api.js';
import { post, readTokens } from './auth-calls.js';
import type { Session } from './changes.js';
import type { Client, InternalClient } from './client.js';
import { CodeVerifiers, type Purpose } from './code-verifiers.js';
import { errorOf, LatchkeyError, userChanged } from './latchkey-error.js';
import { postAs, withAccess } from './session-operations.js';

/** The token of a link, or the six digits that the same mail has for the tab that asked for it. */
export type Proof = { token: string } | { code: string };

/**
 * Verify, recover and change an account. All methods throw `LatchkeyError`. Those that need a user reject with
 * `access_token_missing` or `user_changed` when nobody is signed in, and some with `reauthentication_required`: then ask for
 * the password, call `reauthenticate`, and repeat the call.
 */
export interface Account {
  /** `client.register` with a code besides the link in the mail. Null where the address has to be verified first. */
  register(account: NewAccount): Promise<Session | null>;
  /** Mails a link and a code that set a new password. It resolves also for an address without an account. */
  forgotPassword(email: string): Promise<void>;
  /** Sets a new password, and revokes all sessions. It signs nobody in. Throws `one_time_token_invalid`, `password_rejected`. */
  resetPassword(proof: Proof, newPassword: string): Promise<void>;
  /** Mails the signed-in user a link and a code that verify their address. Throws `mail_not_configured`. */
  requestVerification(): Promise<void>;
  /**
   * Verifies an address. It signs nobody in. With a link, the first proof of an address removes the password and the sessions
   * of the account, unless its user is signed in here: somebody else may have registered the address.
   */
  verifyEmail(proof: Proof): Promise<void>;
  /** Mails the new address a link and a code. Throws `current_password_wrong`, `reauthentication_required`. */
  changeEmail(change: NewEmail): Promise<void>;
  /** Makes the new address the one of the account. Throws `one_time_token_invalid`, `email_taken`. */
  confirmEmail(proof: Proof): Promise<void>;
  /** Restores the old address by the link that was mailed there, and revokes all sessions. */
  undoEmailChange(token: string): Promise<void>;
  /** Proves the password again, in the same session: for ten minutes no call is refused with `reauthentication_required`. */
  reauthenticate(password: string): Promise<void>;
  /** Deletes the account, and signs out in all tabs. Throws `current_password_wrong`, `reauthentication_required`. */
  deleteAccount(password: string): Promise<void>;
  /** Everything that the server stores about the user. Throws `reauthentication_required`. */
  exportAccount(): Promise<AccountExport>;
  /** What happened to the account, newest first. `next` of a page is the cursor of the next one. */
  securityEvents(cursor?: string): Promise<SecurityEventPage>;
}

/** The account functions of a client. Create them once, with the client. */
export function accountOf(client: Client): Account {
  const { parts } = client as InternalClient;
  const { keeper, base } = parts;
  const verifiers = new CodeVerifiers(base.href);

  /** Calls a guarded route. */
  async function call(path: string, body?: object): Promise<Response> {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    const response = await client.fetch(path, body && { ...init, redirect: 'error' });
    if (!response.ok) throw await errorOf(response);
    return response;
  }

  /** Redeems a mail, with the verifier of this tab: a code needs it, and with a link it shows that this browser asked. */
  async function redeem(purpose: Purpose, proof: Proof, send: (proof: object) => Promise<unknown>): Promise<void> {
    const codeVerifier = verifiers.find(purpose);
    if ('code' in proof && !codeVerifier) throw new LatchkeyError(0, { code: 'code_verifier_missing' });
    await send({ ...proof, codeVerifier });
    verifiers.forget(purpose);
  }

  return {
    async register(account) {
      return client.register({ ...account, codeChallenge: await verifiers.challenge('verify') });
    },
    async forgotPassword(email) {
      await post(parts, '/auth/password/forgot', { email, codeChallenge: await verifiers.challenge('reset') });
    },
    resetPassword: (proof, newPassword) =>
      redeem('reset', proof, (body) => post(parts, '/auth/password/reset', { ...body, newPassword })),
    async requestVerification() {
      await call('/auth/email/verification', { codeChallenge: await verifiers.challenge('verify') });
    },
    verifyEmail: (proof) =>
      redeem('verify', proof, async (body) => {
        // The route ignores an expired token, and would then remove the password. This call renews the token.
        if (await client.session()) await client.fetch('/auth/whoami');
        await call('/auth/email/verify', body);
      }),
    async changeEmail(change) {
      await call('/auth/email/change', { ...change, codeChallenge: await verifiers.challenge('change') });
    },
    confirmEmail: (proof) => redeem('change', proof, (body) => post(parts, '/auth/email/change/confirm', body)),
    async undoEmailChange(token) {
      await post(parts, '/auth/email/change/undo', { token });
    },
    reauthenticate: (password) =>
      withAccess(parts, async (access) => {
        const tokens = await readTokens(await postAs(access, parts, '/auth/reauthenticate', { password }));
        await keeper.saveRefreshed(tokens, access);
        // A user signed out or in meanwhile. A token of a refresh that the server handled later is newer, and stays.
        if (keeper.session?.id !== access.sessionId) throw userChanged();
      }),
    deleteAccount: (password) =>
      withAccess(parts, async (access) => {
        await postAs(access, parts, '/users/me/deletion', { password });
        await keeper.drop(access.sessionId);
      }),
    exportAccount: async () => (await call('/users/me/export')).json() as Promise<AccountExport>,
    securityEvents: async (cursor) =>
      (
        await call(`/users/me/security-events${cursor ? `?cursor=${cursor}` : ''}`)
      ).json() as Promise<SecurityEventPage>,
  };
}
