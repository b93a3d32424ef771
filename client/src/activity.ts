/**
 * What the client does by itself. Holds no token.
 *
 * - `token`: this tab has a newer access token: from the server, or handed over by another tab.
 * - `waited`: a refresh was not sent, because another tab had sent one meanwhile.
 * - `resent`: the server found the access token of a call too old; the call went out again with a new one.
 * - `retry`: a refresh failed in passing, and the next is not sent before `inMs`.
 */
export type Activity =
  | { type: 'token'; from: 'server' | 'tab'; expiresIn: number; generation: number }
  | { type: 'waited' }
  | { type: 'resent'; url: string }
  | { type: 'retry'; error: unknown; inMs: number };
