/** What a password may not be made of: the person's own words. */
export interface PersonalWords {
  email: string;
  name: string | null;
}

export const PRODUCT_NAME = 'latchkey';
/** Long enough for any passphrase (NIST SP 800-63B-4 asks for 64), short enough not to be an attack. */
export const PASSWORD_MAX_CODE_POINTS = 256;

/**
 * Why a new password is not acceptable, in a sentence for the person; null when it is. Length counts code points
 * after NFC, and there are no rules about kinds of characters (NIST SP 800-63B-4 section 3.1.1.2).
 */
export function whyNotAcceptable(password: string, words: PersonalWords, minLength: number): string | null {
  if (!password.isWellFormed()) return 'contains half a character: an unpaired surrogate';
  const length = [...password.normalize('NFC')].length;
  if (length < minLength) return `is too short: it has ${length} characters and needs ${minLength}`;
  if (length > PASSWORD_MAX_CODE_POINTS) return `is too long: at most ${PASSWORD_MAX_CODE_POINTS} characters`;
  return madeOfOwnWords(password, words);
}

/** Takes the words out; a password of which nothing is left, however often they are repeated, is none. */
function madeOfOwnWords(password: string, { email, name }: PersonalWords): string | null {
  const [local = '', domain = ''] = email.split('@');
  const candidates: [string, string][] = [
    [email, 'your e-mail address'],
    [local, 'your e-mail address'],
    [domain, 'your e-mail address'],
    [domain.split('.')[0] ?? '', 'your e-mail address'],
    [name ?? '', 'your name'],
    ...(name ?? '').split(/\s+/).map((part): [string, string] => [part, 'your name']),
    [PRODUCT_NAME, 'the name of this product'],
  ];
  let rest = fold(password);
  const found = new Set<string>();
  for (const [word, whose] of candidates) {
    const folded = fold(word);
    if (folded.length < 3 || !rest.includes(folded)) continue;
    rest = rest.replaceAll(folded, '');
    found.add(whose);
  }
  return found.size > 0 && rest === '' ? `is nothing but ${[...found].join(' and ')}` : null;
}

/** Letters and digits in lower case: dots, spaces and capitals disguise nothing. */
function fold(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');
}
