import { byId } from './page.js';

/** Links to the mail that the server keeps for developers, where it does: not in production, and not with SMTP_URL. */
export async function linkToDevMail(): Promise<void> {
  const response = await fetch('/dev/mail', { method: 'HEAD' }).catch(() => undefined);
  byId('dev-mail').hidden = !response?.ok;
}
