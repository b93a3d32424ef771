import type { ErrorCode } from './latchkey-error.js';

/** Who is signed in, and in which session. */
export interface Session {
  id: string;
  userId: string;
}

/**
 * How the session changed.
 *
 * - `signed_in`: a user signed in, in this tab or in another; or the same user has a new session, as after a change of
 *   password.
 * - `signed_out`: the user signed out, in this tab or in another.
 * - `ended`: the server reported that the session is over; `code` and `reason` say why.
 * - `user_changed`: another user signed in, in this tab or in another. The page still shows the previous user's data.
 */
export type ChangeType = 'signed_in' | 'signed_out' | 'ended' | 'user_changed';

/** A refresh is no change: session and user stay the same. */
export interface SessionChange {
  session: Session | null;
  type: ChangeType;
  /** With `ended`: the code of the error response, and why the session ended, where the server said so. */
  code?: ErrorCode;
  reason?: string | undefined;
}

/** A session that the server reported as over. */
export interface EndedSession {
  sessionId: string;
  code: ErrorCode;
  reason?: string | undefined;
}

/** The change from `before` to `after`, for the listeners; null when the session is the same. */
export function changeBetween(
  before: Session | null,
  after: Session | null,
  ended?: EndedSession,
): SessionChange | null {
  if (before?.id === after?.id) return null;
  if (after) return { session: after, type: before && before.userId !== after.userId ? 'user_changed' : 'signed_in' };
  if (ended?.sessionId !== before?.id) return { session: null, type: 'signed_out' };
  return { session: null, type: 'ended', code: ended!.code, reason: ended!.reason };
}
