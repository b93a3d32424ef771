import type { RenderedMail } from './mail.js';

/** `error` is short, and has neither an address nor text of a server. `isPermanent`: another attempt would be in vain. */
export type SendResult = { isSent: true } | { isSent: false; isPermanent: boolean; error: string };

/** Takes mail out of the outbox. Also the injection token. */
export abstract class MailSender {
  /** @param signal ends the attempt at once */
  abstract send(mail: RenderedMail, signal: AbortSignal): Promise<SendResult>;

  /** Closes connections. */
  abstract close(): void;
}
