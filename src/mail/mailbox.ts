import { isEmail } from 'class-validator';

/** What budgets count as one mailbox: the address in any spelling of its letters. */
export function mailboxOf(address: string): string {
  return address.normalize('NFC').toLowerCase();
}

export function domainOf(mailbox: string): string {
  return mailbox.slice(mailbox.lastIndexOf('@') + 1);
}

/** `a…@example.com`, for operators. */
export function maskAddress(address: string): string {
  const [first = ''] = address;
  return `${first === '@' ? '' : first}…@${domainOf(address)}`;
}

/**
 * Whether this is one address. Mail libraries read more out of a text: a list, a group, a name before it. Registration
 * accepts no other addresses; this is the last check before the SMTP server.
 */
export function isOneAddress(text: string): boolean {
  return !/[\s,;:<>()[\]"\\\p{C}]/u.test(text) && isEmail(text, { require_tld: false });
}
