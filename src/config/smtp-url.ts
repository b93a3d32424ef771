import { isIP } from 'node:net';

/** The SMTP server that takes our mail (RFC 5321, RFC 8314). */
export interface SmtpServer {
  host: string;
  port: number;
  /** TLS from the first byte. Otherwise STARTTLS is required, unless the host is this machine. */
  isImplicitTls: boolean;
  isLoopback: boolean;
  auth: { user: string; pass: string } | null;
}

const PORTS = { 'smtp:': 587, 'smtps:': 465 };

/**
 * Reads SMTP_URL: `smtp://user:password@host:587` or `smtps://…`. Undefined when it is not usable. A path, a query and a
 * fragment are refused: nothing in them could have an effect, least of all on the verification of certificates.
 */
export function parseSmtpUrl(text: string): SmtpServer | undefined {
  const [, scheme = ''] = /^(smtps?:)\/\/[^/?#]+\/?$/.exec(text) ?? [];
  if (!URL.canParse(text)) return undefined;
  const { hostname, port, username, password } = new URL(text);
  const [user, pass] = [decode(username), decode(password)];
  const isHost = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(hostname) || /^\[[\da-f:.]+\]$/i.test(hostname);
  if (!(scheme in PORTS) || !isHost || user === undefined || pass === undefined) return undefined;
  if ((user === '') !== (pass === '') || port === '0') return undefined;
  const host = hostname.replace(/^\[|\]$/g, '');
  return {
    host,
    port: port === '' ? PORTS[scheme as keyof typeof PORTS] : Number(port),
    isImplicitTls: scheme === 'smtps:',
    isLoopback: isLoopback(host),
    auth: user === '' ? null : { user, pass },
  };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** Undefined for a broken escape, and for control characters. */
function decode(text: string): string | undefined {
  try {
    const decoded = decodeURIComponent(text);
    return /\p{Cc}/u.test(decoded) ? undefined : decoded;
  } catch {
    return undefined;
  }
}
