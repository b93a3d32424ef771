/**
 * What the client does by itself. It contains no token.
 *
 * - `token`: this tab has a newer access token, from the server or from another tab.
 * - `waited`: no refresh was sent, because another tab refreshed first.
 * - `resent`: the server refused the access token of a call as too old. The call was sent again with a new one.
 * - `retry`: a refresh failed with a transient error. The next one is sent after `inMs` at the earliest.
 */
export type Activity =
  | { type: 'token'; from: 'server' | 'tab'; expiresIn: number; generation: number }
  | { type: 'waited' }
  | { type: 'resent'; url: string }
  | { type: 'retry'; error: unknown; inMs: number };
