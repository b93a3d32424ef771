interface EventKind {
  /** What happened, in a sentence: docs/security-events.md has the same one. */
  meaning: string;
  /** Whether the owner of the account gets a mail. The feature that records the event sends it. */
  mail: boolean;
}

/** Every security event there is (OWASP ASVS 5.0 16.1.1, 16.3). */
export const SECURITY_EVENTS = {
  registered: { meaning: 'The account was created.', mail: false },
  sign_in: { meaning: 'A user signed in, which started a session.', mail: false },
  sign_in_failed: { meaning: 'Sign-ins to this account failed.', mail: false },
  new_device: { meaning: 'A user signed in with a device that this account did not know.', mail: true },
  sign_in_stopped: { meaning: 'Too many sign-ins failed: unknown devices cannot use the password.', mail: true },
  logout: { meaning: 'A session was revoked by its own client.', mail: false },
  session_revoked: { meaning: 'The user revoked one of their sessions.', mail: false },
  sessions_revoked: { meaning: 'The user revoked all sessions, or all others.', mail: false },
  session_cap: { meaning: 'A session was revoked because a sign-in exceeded MAX_SESSIONS_PER_USER.', mail: false },
  reuse_detected: { meaning: 'A rotated refresh token was replayed, and its session revoked.', mail: true },
  password_changed: { meaning: 'The user changed the password, which revoked every earlier session.', mail: true },
  password_reset_requested: { meaning: 'Somebody asked for a mail to reset the password.', mail: false },
  password_reset: { meaning: 'A new password was set with a token from a mail.', mail: true },
  email_verified: { meaning: 'The user proved to own the e-mail address.', mail: false },
  email_change_requested: { meaning: 'The user asked to change the e-mail address.', mail: true },
  email_changed: { meaning: 'The e-mail address was changed.', mail: true },
  email_change_undone: { meaning: 'A change of the e-mail address was undone from the old address.', mail: true },
  reauthenticated: { meaning: 'The user of a session proved the password again.', mail: false },
  user_changed: { meaning: 'An administrator changed roles or status of the user.', mail: false },
  account_deleted: { meaning: 'The account was deleted. Its events stay until their retention ends.', mail: true },
} as const satisfies Record<string, EventKind>;

export type SecurityEventType = keyof typeof SECURITY_EVENTS;

export const SECURITY_EVENT_TYPES = Object.keys(SECURITY_EVENTS) as SecurityEventType[];
