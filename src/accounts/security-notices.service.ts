import { Injectable } from '@nestjs/common';
import type { SecurityEventType } from '../audit/event-types.js';
import { SecurityEvents, type RecordedEvent } from '../audit/security-events.js';
import type { Statements } from '../database/database.js';
import type { Mail } from '../mail/mail.js';
import { Outbox } from '../mail/outbox.js';
import type { TemplateName } from '../mail/templates.js';
import { PasswordThrottle } from '../rate-limits/password-throttle.js';
import { UsersService } from '../users/users.service.js';
import { deviceName } from './device-name.js';
import { TokenMails, type Addressee } from './token-mails.js';

const KIND = 'security_notice';

/** Events that their user gets a mail of. Those of an address and of a deletion have mails of their own. */
const NOTICES = {
  new_device: 'new-sign-in',
  reuse_detected: 'token-reuse',
  password_changed: 'password-changed',
  password_reset: 'password-changed',
  sign_in_stopped: 'sign-in-stopped',
} as const satisfies Partial<Record<SecurityEventType, TemplateName>>;

type NoticedEvent = RecordedEvent & { type: keyof typeof NOTICES };

/** Mails users what happened to their account, in the transaction in which it happened (OWASP ASVS 5.0 6.3.5, 6.3.7). */
@Injectable()
export class SecurityNotices {
  constructor(
    private readonly outbox: Outbox,
    private readonly users: UsersService,
    private readonly mails: TokenMails,
    events: SecurityEvents,
    throttle: PasswordThrottle,
  ) {
    events.onRecorded((recorded, on) => this.addAll(recorded.filter(isNoticed), on));
    throttle.onStopped((userId) => events.recordNow({ type: 'sign_in_stopped', userId }));
    outbox.define(KIND, async ({ payload }) => this.compose(payload as never));
  }

  private async addAll(events: NoticedEvent[], on: Statements): Promise<void> {
    for (const event of events) {
      const user = await this.users.findContactById(event.userId, on);
      if (!user) continue;
      // The address of now: a thief may change it before the mail is sent.
      const { email, name, locale } = user;
      const payload = { event, to: { email, name, locale } };
      await this.outbox.add({ kind: KIND, recipient: email, event: event.id, payload }, on);
    }
  }

  private compose({ event, to }: { event: NoticedEvent; to: Addressee }): Mail {
    return this.mails.mail(NOTICES[event.type], to, dataOf(event, to, this.mails.pages.resetLink));
  }
}

function isNoticed(event: RecordedEvent): event is NoticedEvent {
  return event.type in NOTICES;
}

/** What the template of a notice shows. */
function dataOf(event: NoticedEvent, { locale }: Addressee, resetLink: string): Record<string, string> {
  if (event.type === 'sign_in_stopped') return { resetLink };
  const format = new Intl.DateTimeFormat(locale ?? 'en', { dateStyle: 'long', timeStyle: 'long', timeZone: 'UTC' });
  const here = { time: format.format(event.at), ...deviceOf(event.origin?.ip, event.origin?.userAgent), resetLink };
  if (event.type !== 'reuse_detected') return here;
  const { sessionIp, sessionUserAgent } = event.details ?? {};
  const other = deviceOf(sessionIp, sessionUserAgent);
  return { ...here, otherIp: other.ip, otherDevice: other.device };
}

function deviceOf(ip: unknown, userAgent: unknown): { ip: string; device: string } {
  return { ip: String(ip ?? ''), device: deviceName(String(userAgent ?? '')) };
}
