import { LatchkeyError, type ErrorCode } from '@latchkey/client';

const WORDS: Partial<Record<ErrorCode, string>> = {
  invalid_credentials: 'E-mail address or password is wrong.',
  email_taken: 'An account with this e-mail address exists already.',
  current_password_wrong: 'The password is wrong.',
  one_time_token_invalid: 'This link or code was used already, has expired, or is wrong. Ask for another mail.',
  code_verifier_missing: 'This code works only in the tab that asked for the mail. Use the link in the mail.',
  rate_limited: 'Too many attempts.',
  challenge_required: 'This browser could not prove that it is one. Try again later.',
  mail_not_configured: 'This server cannot send mail.',
  user_changed: 'You are not signed in any more.',
  access_token_missing: 'You are not signed in any more.',
  session_revoked: 'You are not signed in any more.',
  hashing_busy: 'The server is busy.',
  database_unavailable: 'The server is busy.',
};

/** An error in words for users, by its code. Empty where each field has its own message. */
export function inWords(error: unknown): string {
  if (!(error instanceof LatchkeyError)) return 'The server was not reached. Try again.';
  if (error.errors.length > 0) return '';
  return WORDS[error.code] ?? `That did not work: ${error.code}.`;
}

/** The code of an error; undefined for one that has none. */
export function codeOf(error: unknown): ErrorCode | undefined {
  return error instanceof LatchkeyError ? error.code : undefined;
}
