import { domainToASCII } from 'node:url';
import { isEmail } from 'class-validator';

export interface EmailAddress {
  /** As the user wrote it, in NFC, with the domain in ASCII. Mail is sent here. */
  address: string;
  /** The same in lower case: identifies the account. */
  canonical: string;
}

/**
 * Reads an e-mail address; null when it is invalid. The domain becomes ASCII (IDNA), so that homographs are visible as
 * `xn--…`. Addresses are compared after NFC and lower case, because those turn U+212A (the Kelvin sign) into k.
 */
export function parseEmail(text: unknown): EmailAddress | null {
  if (typeof text !== 'string' || text.length > 320 || !text.isWellFormed()) return null;
  const normal = text.normalize('NFC');
  // No invisible characters; and in the domain none that a URL parser would take for a port, a path or an escape.
  if (/[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/u.test(normal)) return null;
  const at = normal.lastIndexOf('@');
  const host = normal.slice(at + 1);
  const domain = /^[\p{L}\p{M}\p{N}.-]+$/u.test(host) ? domainToASCII(host) : '';
  const address = `${normal.slice(0, at)}@${domain}`;
  // A quoted local part can spell the same mailbox in another way (RFC 5321 section 4.1.2).
  if (at < 1 || domain === '' || address.startsWith('"') || !isEmail(address)) return null;
  return { address, canonical: foldCase(address) };
}

/** What attempts at an account are counted by: the canonical address, or the text itself where it is no address. */
export function accountOf(email: string): string {
  return parseEmail(email)?.canonical ?? email;
}

/** Lower case, then NFC again: lower case can decompose a letter (İ) or leave one to be composed (J̌). */
function foldCase(address: string): string {
  return address.toLowerCase().normalize('NFC').toLowerCase().normalize('NFC');
}
