import { createTransport, type NodemailerError, type SMTPPoolOptions } from 'nodemailer';
import type { MailFrom } from '../config/mail-from.js';
import type { SmtpServer } from '../config/smtp-url.js';
import type { RenderedMail } from './mail.js';
import { MailSender, type SendResult } from './mail-sender.js';
import { isOneAddress } from './mailbox.js';

const TIMEOUT_MS = 10_000;
/** Of one mail, in all. A server that sends a byte now and then must not hold the worker. */
const TOTAL_TIMEOUT_MS = 25_000;

/** Sends mail over SMTP, one at a time, over a connection that is kept for the next ones. */
export class SmtpSender extends MailSender {
  private readonly transport;
  private readonly domain: string;

  constructor(
    server: SmtpServer,
    private readonly from: MailFrom,
  ) {
    super();
    this.transport = createTransport(transportOptions(server));
    this.domain = from.address.slice(from.address.lastIndexOf('@') + 1);
  }

  async send({ id, to, subject, text, html }: RenderedMail, stop: AbortSignal): Promise<SendResult> {
    if (!isOneAddress(to)) return { isSent: false, isPermanent: true, error: 'not an e-mail address' };
    const signal = AbortSignal.any([stop, AbortSignal.timeout(TOTAL_TIMEOUT_MS)]);
    try {
      await this.transport.sendMail({
        from: this.from,
        // An object: text would be parsed as a list of addresses.
        to: { name: '', address: to },
        envelope: { from: this.from.address, to: [to] },
        subject,
        text,
        html,
        // The same at each attempt: a duplicate can be recognised (RFC 5322 3.6.4).
        messageId: `<${id}@${this.domain}>`,
        // RFC 3834: keeps vacation notices from being sent back.
        headers: { 'Auto-Submitted': 'auto-generated' },
        disableFileAccess: true,
        disableUrlAccess: true,
        signal,
      });
      return { isSent: true };
    } catch (error) {
      return { isSent: false, ...judge(error as NodemailerError) };
    }
  }

  override close(): void {
    this.transport.close();
  }
}

/**
 * Certificates are always verified. Without TLS from the start, STARTTLS is required, so that nobody on the way can strip
 * it (RFC 8314 3.3); only mail for a server on this machine needs none.
 */
export function transportOptions(server: SmtpServer): SMTPPoolOptions & { pool: true } {
  const { host, port, isImplicitTls, isLoopback, auth } = server;
  return {
    pool: true,
    maxConnections: 1,
    // The outbox repeats. A connection that broke during a mail may have delivered it.
    maxRequeues: 0,
    host,
    port,
    secure: isImplicitTls,
    requireTLS: !isImplicitTls && !isLoopback,
    ignoreTLS: !isImplicitTls && isLoopback,
    // Explicit, so that NODE_TLS_REJECT_UNAUTHORIZED has no effect.
    tls: { rejectUnauthorized: true, minVersion: 'TLSv1.2' },
    ...(auth && { auth }),
    dnsTimeout: TIMEOUT_MS,
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    idleTimeout: TIMEOUT_MS / 2,
  };
}

/** Permanent: the server refused the recipient or the message with 5yz (RFC 5321 4.2.1), or neither can be sent at all. */
export function judge({ code, command, responseCode, permanent, response, message }: NodemailerError): {
  isPermanent: boolean;
  error: string;
} {
  const isAboutMail = code === 'EMESSAGE' || (code === 'EENVELOPE' && command !== 'MAIL FROM');
  const isPermanent = isAboutMail && (responseCode === undefined || permanent === true);
  const [, enhanced = ''] = /^\d{3}[ -](\d\.\d{1,3}\.\d{1,3})\b/.exec(response ?? '') ?? [];
  // The text of a server may name the recipient; that of the system does not. Nor may a check of our own quote it.
  const text = responseCode || isAboutMail ? '' : message;
  const parts = [code, responseCode, enhanced, command, text].filter(Boolean);
  return { isPermanent, error: parts.join(' ').slice(0, 100) };
}
