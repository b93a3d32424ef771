// @ts-check
/**
 * The user's own words, of which a password may not consist. For the worker thread (`strength.worker.js`): some characters
 * become 18 under NFKC, so that a hostile name and password take 16 ms.
 */

/** @typedef {{ email: string, name: string | null }} PersonalWords */

export const PRODUCT_NAME = 'latchkey';

/**
 * Words that somebody who knows the user would try first, each with its origin.
 *
 * @param {PersonalWords} personal
 * @returns {Map<string, string>}
 */
export function ownWords({ email, name }) {
  const [local = '', domain = ''] = email.split('@');
  /** @type {Map<string, string>} */
  const owners = new Map();
  const own = (/** @type {string} */ owner, /** @type {string[]} */ words) => {
    for (const word of words.map(fold)) if (word.length >= 3 && !owners.has(word)) owners.set(word, owner);
  };
  own('your e-mail address', [email, local, domain, domain.split('.')[0] ?? '']);
  own('your name', [name ?? '', ...(name ?? '').split(/\s+/)]);
  own('the name of this product', [PRODUCT_NAME]);
  return owners;
}

/**
 * The origins of the words when a password is only a concatenation of them, in any order and number; null when it is not.
 *
 * @param {string} password
 * @param {Map<string, string>} owners
 * @returns {string | null}
 */
export function findOriginOfWords(password, owners) {
  const text = fold(password);
  /** At each offset up to which the text is a concatenation of words: the longest word that ends there. */
  const lastWords = /** @type {(string | undefined)[]} */ (['']);
  for (let end = 1; end <= text.length; end++) {
    const candidates = [...owners.keys()].filter((word) => text.startsWith(word, end - word.length));
    lastWords[end] = candidates
      .filter((word) => lastWords[end - word.length] !== undefined)
      .sort((a, b) => b.length - a.length)[0];
  }
  const found = new Set();
  for (let end = text.length, word = lastWords[end]; word; word = lastWords[(end -= word.length)])
    found.add(owners.get(word));
  return found.size > 0 ? [...found].join(' and ') : null;
}

/**
 * Letters and digits in lower case, so that punctuation, spaces and capitals make no difference.
 *
 * @param {string} text
 */
function fold(text) {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');
}
