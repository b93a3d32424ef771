/** One page of the app opens by each link: docs/operations.md, Mail. */
interface Template {
  /** The members of `it` in the template, besides `app`, the name of this service. */
  data: readonly string[];
  /**
   * Mails with one budget share MAIL_RECIPIENT_LIMIT. What anybody can cause (`registration`, `recovery`) is apart from the
   * notices of what happened to an account, so that nobody uses up the notices of its owner by asking for resets.
   */
  budget: MailBudget;
}

/**
 * `registration` and `recovery`: anybody can cause them. `email_change`: a signed-in user, for any address. The others are
 * notices of what follows from an authenticated or verified act, or happens once.
 */
export type MailBudget =
  'registration' | 'recovery' | 'email_change' | 'sign_ins' | 'stops' | 'credentials' | 'address_changes';

const ORIGIN = ['time', 'ip', 'device'] as const;

/** Every mail that this server sends. The texts are in `templates/<language>/`. */
export const TEMPLATES = {
  'verify-email': { data: ['name', 'link', 'code'], budget: 'registration' },
  'already-registered': { data: ['name', 'signInLink', 'resetLink'], budget: 'registration' },
  'reset-password': { data: ['name', 'link', 'code'], budget: 'recovery' },
  'sign-in-stopped': { data: ['name', 'resetLink'], budget: 'stops' },
  'confirm-email-change': { data: ['name', 'link', 'code'], budget: 'email_change' },
  'email-change-requested': { data: ['name', 'newEmail', 'undoLink'], budget: 'email_change' },
  'new-sign-in': { data: ['name', ...ORIGIN, 'resetLink'], budget: 'sign_ins' },
  'token-reuse': { data: ['name', ...ORIGIN, 'otherIp', 'otherDevice', 'resetLink'], budget: 'sign_ins' },
  'password-changed': { data: ['name', ...ORIGIN, 'resetLink'], budget: 'credentials' },
  'email-changed': { data: ['name', 'newEmail', 'undoLink'], budget: 'address_changes' },
  'email-change-undone': { data: ['name', 'resetLink'], budget: 'address_changes' },
  'account-deleted': { data: ['name'], budget: 'address_changes' },
} as const satisfies Record<string, Template>;

export type TemplateName = keyof typeof TEMPLATES;

export const TEMPLATE_NAMES = Object.keys(TEMPLATES) as TemplateName[];
