/** ASVS 5.0 11.2.3 asks for 128 bits; 32 random hexadecimal digits have them, and the estimate is cautious. */
const MIN_BITS = 76;
/** What a word of a passphrase is worth at most: less than its letters. */
const BITS_OF_A_WORD = 12;
const BITS_OF_A_SHORT_WORD = 4;
const BITS_OF_A_NUMBER = 7;
/** A sequence (`abcd`, `1111`, `qwer`), or a repetition of something earlier. */
const BITS_OF_A_PATTERN = 6;
const BITS_OF_A_SYMBOL = 2;
/** Of a pattern, and of a word that is not short. */
const MIN_LENGTH = 4;
/** Characters of a word or number on average, from which on a text consists of them. Random text has 2. */
const PHRASE_LENGTH = 3;

const ROWS = ['abcdefghijklmnopqrstuvwxyz', '01234567890', 'qwertyuiop', 'asdfghjkl', 'zxcvbnm'];
const COLUMNS = ['1qaz', '2wsx', '3edc', '4rfv', '5tgb', '6yhn', '7ujm'];
const SEQUENCES = [...ROWS, ...COLUMNS].flatMap((row) => [row, [...row].toReversed().join('')]);

const PLACEHOLDER =
  /change[\W_]*(this|me|it)|replace[\W_]*(this|me|with)|example|placeholder|passwor?d|passphrase|secret([\W_]*key)?|insecure|default|latchkey|todo/gi;

/**
 * Whether a secret looks written by a person, not generated: fewer than 76 bits by a cautious estimate, which counts words,
 * sequences and repetitions as what they cost somebody who tries them, and placeholders as nothing. For secrets that can be
 * tried offline (ASVS 5.0 11.2.3): one refresh token suffices to test guesses of APP_SECRET.
 */
export function isGuessable(secret: string): boolean {
  const text = secret.replace(PLACEHOLDER, '');
  const halves = [0, 1].map((first) => [...text].filter((_, i) => i % 2 === first).join(''));
  const phrase = isHex(text) ? Infinity : bitsOfPhrase(text);
  const interleaved = halves.reduce((bits, half) => bits + bitsOfCharacters(half, patternAt), 0);
  return Math.min(bitsOfCharacters(text, patternAt, wordAt), interleaved, phrase) < MIN_BITS;
}

/** Reads from left to right, and takes the longest pattern or word at each place. */
function bitsOfCharacters(text: string, ...finders: ((text: string, at: number) => number)[]): number {
  const bitsOf = isHex(text) ? () => 4 : bitsOfCharacter;
  let bits = 0;
  for (let at = 0; at < text.length;) {
    const [pattern = 0, word = 0] = finders.map((find) => find(text, at));
    const length = Math.max(1, pattern, word);
    const most = length === 1 ? Infinity : pattern >= word ? BITS_OF_A_PATTERN : BITS_OF_A_WORD;
    bits += Math.min(most, length * bitsOf(text[at]!));
    at += length;
  }
  return bits;
}

/** Infinity unless the text consists of words and numbers, between separators or in camel case. */
function bitsOfPhrase(text: string): number {
  const parts = text.match(/[A-Z]?[a-z]+|[A-Z]+|\d+/g) ?? [];
  if (parts.join('').length < PHRASE_LENGTH * parts.length) return Infinity;
  const distinct = new Set(parts.map((part) => part.toLowerCase()));
  return [...distinct].reduce((bits, part) => {
    if (/\d/.test(part)) return bits + Math.min(part.length * Math.log2(10), BITS_OF_A_NUMBER);
    if (part.length < MIN_LENGTH) return bits + BITS_OF_A_SHORT_WORD;
    return bits + (isSpoken(part) ? BITS_OF_A_WORD : part.length * Math.log2(26));
  }, 0);
}

/** Also a UUID. */
function isHex(text: string): boolean {
  return /^[0-9a-f-]+$/i.test(text);
}

function bitsOfCharacter(character: string): number {
  if (/[0-9]/.test(character)) return Math.log2(10);
  return /[a-zA-Z]/.test(character) ? Math.log2(52) : BITS_OF_A_SYMBOL;
}

/** How many characters from here on are one letter, part of a row, or repeat what is before; 0 for fewer than four. */
function patternAt(secret: string, at: number): number {
  const text = secret.toLowerCase();
  const fits = (part: string) =>
    part === part[0]!.repeat(part.length) || SEQUENCES.some((row) => row.includes(part)) || text.indexOf(part) < at;
  let length = 0;
  while (at + length < text.length && fits(text.slice(at, at + length + 1))) length += 1;
  return length < MIN_LENGTH ? 0 : length;
}

/** The length of a run of letters that can be spoken; 0 for none. */
function wordAt(text: string, at: number): number {
  const run = /^[A-Z]?[a-z]+|^[A-Z]+/.exec(text.slice(at))?.[0].toLowerCase() ?? '';
  return run.length >= MIN_LENGTH && isSpoken(run) ? run.length : 0;
}

function isSpoken(word: string): boolean {
  return /[aeiouy]/.test(word) && !/[^aeiouy]{5}/.test(word);
}
