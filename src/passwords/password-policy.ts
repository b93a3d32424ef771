/** The user's own words, of which a password may not consist. */
export interface PersonalWords {
  email: string;
  name: string | null;
}

export const PRODUCT_NAME = 'latchkey';
/** NIST SP 800-63B-4 asks for at least 64. The bound prevents denial of service by long passwords. */
export const PASSWORD_MAX_CODE_POINTS = 256;

/**
 * Why a new password violates the policy, in a sentence; null when it does not. Length counts code points after NFC, and
 * there are no composition rules (NIST SP 800-63B-4 section 3.1.1.2). `PasswordStrength` estimates the strength.
 */
export function whyNotAcceptable(password: string, words: PersonalWords, minLength: number): string | null {
  if (!password.isWellFormed()) return 'The password contains an unpaired surrogate: half a character.';
  const length = [...password.normalize('NFC')].length;
  if (length < minLength) return `The password is too short: it has ${length} characters and needs ${minLength}.`;
  if (length > PASSWORD_MAX_CODE_POINTS)
    return `The password is too long: at most ${PASSWORD_MAX_CODE_POINTS} characters.`;
  return madeOfOwnWords(password, words);
}

/** Words that somebody who knows the user would try first, each with its origin. */
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

/** Refuses a password that is only a concatenation of these words, in any order and number. */
function madeOfOwnWords(password: string, words: PersonalWords): string | null {
  const owners = ownWords(words);
  const text = fold(password);
  /** At each offset up to which the text is a concatenation of words: the longest word that ends there. */
  const lastWords: (string | undefined)[] = [''];
  for (let end = 1; end <= text.length; end++) {
    const candidates = [...owners.keys()].filter((word) => text.startsWith(word, end - word.length));
    lastWords[end] = candidates
      .filter((word) => lastWords[end - word.length] !== undefined)
      .sort((a, b) => b.length - a.length)[0];
  }

  const found = new Set<string>();
  for (let end = text.length, word = lastWords[end]; word; word = lastWords[(end -= word.length)])
    found.add(owners.get(word)!);
  return found.size > 0 ? `Too easy to guess: only ${[...found].join(' and ')}.` : null;
}

/** Letters and digits in lower case, so that punctuation, spaces and capitals make no difference. */
function fold(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');
}
