import type { TemplateName } from './templates.js';

/** What a feature adds in the transaction of what happened. */
export interface NewMail {
  /** A kind that was defined: `Outbox.define`. */
  kind: string;
  /** An e-mail address. */
  recipient: string;
  /** Names the event: a second entry with the same kind and event is ignored. */
  event: string;
  /** Encrypted at rest, and erased once the mail was sent: it may hold one-time tokens. */
  payload: Record<string, unknown>;
}

export interface OutboxEntry {
  /** UUID v7. */
  id: string;
  kind: string;
  recipient: string;
  /** Milliseconds since the epoch. */
  createdAt: number;
  payload: Record<string, unknown>;
}

/** A mail, before it is written in the language of its reader. */
export interface Mail {
  template: TemplateName;
  to: string;
  /** A BCP 47 tag like `de-AT`; null where it is not known. */
  locale: string | null;
  /** What the template names (`TEMPLATES`), no more and no less. */
  data: Record<string, string>;
}

/** A mail as it is sent. */
export interface RenderedMail {
  /** The id of its entry in the outbox. */
  id: string;
  to: string;
  subject: string;
  text: string;
  html: string;
}
