/** What a password may not be made of: the person's own words. */
export interface PersonalWords {
  email: string;
  name: string | null;
}

export const PRODUCT_NAME = 'latchkey';
/** Long enough for any passphrase (NIST SP 800-63B-4 asks for 64), short enough not to be an attack. */
export const PASSWORD_MAX_CODE_POINTS = 256;

/**
 * Why a new password is not acceptable whatever it is worth, as the end of a sentence; null when it is. Length counts code
 * points after NFC, and there are no rules about kinds of characters (NIST SP 800-63B-4 section 3.1.1.2).
 */
export function whyNotAcceptable(password: string, words: PersonalWords, minLength: number): string | null {
  if (!password.isWellFormed()) return 'contains half a character: an unpaired surrogate';
  const length = [...password.normalize('NFC')].length;
  if (length < minLength) return `is too short: it has ${length} characters and needs ${minLength}`;
  if (length > PASSWORD_MAX_CODE_POINTS) return `is too long: at most ${PASSWORD_MAX_CODE_POINTS} characters`;
  return madeOfOwnWords(password, words);
}

/** The words that somebody who knows the person would try first, each with where it is from. */
export function ownWords({ email, name }: PersonalWords): Map<string, string> {
  const [local = '', domain = ''] = email.split('@');
  const owners = new Map<string, string>();
  const own = (owner: string, words: string[]) => {
    for (const word of words.map(fold)) if (word.length >= 3 && !owners.has(word)) owners.set(word, owner);
  };
  own('your e-mail address', [email, local, domain, domain.split('.')[0] ?? '']);
  own('your name', [name ?? '', ...(name ?? '').split(/\s+/)]);
  own('the name of this product', [PRODUCT_NAME]);
  return owners;
}

/** A password that can be put together from these words alone, repeated as often as one likes, is none. */
function madeOfOwnWords(password: string, words: PersonalWords): string | null {
  const owners = ownWords(words);
  const text = fold(password);
  /** For each place up to which the text is made of words: the longest word that ends there. */
  const endings: (string | undefined)[] = [''];
  for (let end = 1; end <= text.length; end++) {
    const candidates = [...owners.keys()].filter((word) => text.startsWith(word, end - word.length));
    endings[end] = candidates
      .filter((word) => endings[end - word.length] !== undefined)
      .sort((a, b) => b.length - a.length)[0];
  }

  const found = new Set<string>();
  for (let end = text.length, word = endings[end]; word; word = endings[(end -= word.length)])
    found.add(owners.get(word)!);
  return found.size > 0 ? `is nothing but ${[...found].join(' and ')}` : null;
}

/** Letters and digits in lower case: dots, spaces and capitals disguise nothing. */
function fold(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');
}
