import { isEmail } from 'class-validator';

export interface MailFrom {
  /** May be empty. */
  name: string;
  address: string;
}

/** Reads MAIL_FROM: `Name <address>`, or an address alone. Undefined when it is invalid. */
export function parseMailFrom(text: string): MailFrom | undefined {
  const [, name = '', inBrackets, alone] = /^(?:"?([^"<>]*?)"?\s*<([^<>\s]+)>|([^<>\s]+))$/.exec(text.trim()) ?? [];
  const address = inBrackets ?? alone ?? '';
  // ASCII: the address is a part of each Message-ID.
  if (!/^[\x21-\x7e]+$/.test(address) || !isEmail(address, { require_tld: false })) return undefined;
  return /\p{Cc}/u.test(name) || name.length > 100 ? undefined : { name: name.trim(), address };
}
