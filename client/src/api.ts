import type { components } from './api.gen.js';

type Schemas = components['schemas'];

export type Problem = Schemas['Problem'];
export type ProblemCode = Problem['code'];
export type FieldError = NonNullable<Problem['errors']>[number];
export type Credentials = Pick<Schemas['LoginDto'], 'email' | 'password'>;
export type NewAccount = Pick<Schemas['RegisterDto'], 'email' | 'password' | 'name' | 'locale'> & {
  /** Of a code in the mail: `accountOf(client).register` adds it. */
  codeChallenge?: string | undefined;
};
export type NewEmail = Pick<Schemas['ChangeEmailDto'], 'newEmail' | 'password'>;
export type AccountExport = Schemas['AccountExport'];
export type SecurityEventPage = Schemas['SecurityEventPage'];
export type SecurityEventView = Schemas['SecurityEventView'];
export type Passwords = Schemas['ChangePasswordDto'];
export type SessionView = Schemas['SessionView'];
/** In `cookie` delivery the response contains no refresh token. */
export type TokenResponse = Omit<Schemas['TokenResponse'], 'refresh_token'> & { refresh_token?: string };

/** `body`: the app keeps the refresh token. `cookie`: the browser keeps it, and no script can read it. */
export type Delivery = 'body' | 'cookie';
