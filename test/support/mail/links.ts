import type { ReceivedMail } from './smtp.js';

/** The routes that the pages of links send their tokens to. */
const ROUTES = {
  'verify-email': '/auth/email/verify',
  'reset-password': '/auth/password/reset',
  'confirm-email': '/auth/email/change/confirm',
  'undo-email-change': '/auth/email/change/undo',
} as const;

export type Action = keyof typeof ROUTES;

/** A link with a one-time token, as a received mail has it. */
export interface TokenLink {
  action: Action;
  token: string;
  /** Where its page sends the token. */
  path: (typeof ROUTES)[Action];
}

/** The links with a token in a mail, in their order. */
export function tokenLinksOf({ parsed }: ReceivedMail): TokenLink[] {
  const found = [...(parsed.text ?? '').matchAll(/#([a-z-]+)=([\w-]{43})(?![\w-])/g)];
  return found.flatMap(([, action, token]) =>
    isAction(action!) ? [{ action, token: token!, path: ROUTES[action] }] : [],
  );
}

function isAction(text: string): text is Action {
  return Object.hasOwn(ROUTES, text);
}
