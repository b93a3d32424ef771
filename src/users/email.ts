import { domainToASCII } from 'node:url';
import { isEmail } from 'class-validator';

export interface EmailAddress {
  /** As it was written, in NFC, with the domain in ASCII: mail goes here. */
  address: string;
  /** What makes two spellings one account: the same in lower case. */
  canonical: string;
}

/**
 * Reads an e-mail address; null when it is not one. The domain becomes ASCII (IDNA), so that look-alikes of other
 * scripts are visible as `xn--…`; NFC and lower case come before the comparison, because U+212A (the Kelvin sign)
 * and the letter k are one there.
 */
export function parseEmail(text: unknown): EmailAddress | null {
  if (typeof text !== 'string' || text.length > 320 || !text.isWellFormed()) return null;
  const normal = text.normalize('NFC');
  // Nothing invisible, and of the domain nothing that a URL parser would take for a port, a path or an escape.
  if (/[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/u.test(normal)) return null;
  const at = normal.lastIndexOf('@');
  const host = normal.slice(at + 1);
  const domain = /^[\p{L}\p{M}\p{N}.-]+$/u.test(host) ? domainToASCII(host) : '';
  const address = `${normal.slice(0, at)}@${domain}`;
  if (at < 1 || domain === '' || !isEmail(address)) return null;
  return { address, canonical: foldCase(address) };
}

/** Lower case, in NFC again: lowering can take a letter apart (İ) or leave one to be put together (J̌). */
function foldCase(address: string): string {
  return address.toLowerCase().normalize('NFC').toLowerCase().normalize('NFC');
}
