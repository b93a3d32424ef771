import type { ErrorCode } from './latchkey-error.js';

/** Who is signed in, and by which session. */
export interface Session {
  id: string;
  userId: string;
}

/**
 * Why the session is another than before.
 *
 * - `signed_in`: somebody signed in, here or in another tab; or the same person has a new session, as after a change of
 *   password.
 * - `signed_out`: somebody signed out, here or in another tab.
 * - `ended`: the server says that the session is over; `code` and `reason` say why.
 * - `user_changed`: somebody else signed in, in another tab or in this one. What the page shows is another person's.
 */
export type ChangeType = 'signed_in' | 'signed_out' | 'ended' | 'user_changed';

/** A refresh is none: it leaves session and person as they are. */
export interface SessionChange {
  session: Session | null;
  type: ChangeType;
  /** With `ended`: the code of the refusal, and the server's word for what ended the session. */
  code?: ErrorCode;
  reason?: string;
}

/** What the server said when it refused a session for good. */
export interface EndedSession {
  sessionId: string;
  code: ErrorCode;
  reason?: string;
}

/** What listeners are told when storage held `before` and now holds `after`; null when that is no news. */
export function changeBetween(
  before: Session | null,
  after: Session | null,
  ended?: EndedSession,
): SessionChange | null {
  if (before?.id === after?.id) return null;
  if (after) return { session: after, type: before && before.userId !== after.userId ? 'user_changed' : 'signed_in' };
  if (ended?.sessionId !== before?.id) return { session: null, type: 'signed_out' };
  return { session: null, type: 'ended', code: ended!.code, ...(ended!.reason && { reason: ended!.reason }) };
}
