import { clientOn, type Client, type ClientOptions } from './client.js';
import { browser } from './platform.js';

export { accountOf, type Account, type Proof } from './account.js';
export type { Activity } from './activity.js';
export type {
  AccountExport,
  Credentials,
  Delivery,
  FieldError,
  NewAccount,
  NewEmail,
  Passwords,
  ProblemCode,
  SecurityEventPage,
  SecurityEventView,
  SessionView,
} from './api.js';
export type { ChangeType, Session, SessionChange } from './changes.js';
export type { Client, ClientOptions } from './client.js';
export { LatchkeyError, type ErrorCode } from './latchkey-error.js';
export { localStorageStore, memoryStore, type TokenStore } from './token-store.js';

/** A client of one Latchkey server. Make one for a page, and share it. */
export function createClient(options: ClientOptions): Client {
  return clientOn(browser, options);
}
