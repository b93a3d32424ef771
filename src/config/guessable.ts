/** ASVS 5.0 11.2.3 asks for 128 bits; 32 random hexadecimal digits have them, and the estimate is cautious. */
const MIN_BITS = 76;
/** What a word of a passphrase is worth at most: less than its letters. */
const BITS_OF_A_WORD = 12;
/** A sequence (`abcd`, `1111`, `qwer`), or a repetition of something earlier. */
const BITS_OF_A_PATTERN = 6;
const BITS_OF_A_SYMBOL = 2;
const MIN_LENGTH = 4;

const SEQUENCES = ['abcdefghijklmnopqrstuvwxyz', '01234567890', 'qwertyuiop', 'asdfghjkl', 'zxcvbnm'].flatMap((row) => [
  row,
  [...row].toReversed().join(''),
]);

/** Six letters and more: in 64 random characters one of them is less likely than one in a million. */
const PLACEHOLDER =
  /change(this|me|it)|replace(this|me|with)|example|placeholder|passwor?d|passphrase|(your|my|app|super|top)secret|secretkey|insecure|default|latchkey/;

/**
 * Whether a secret looks written by a person, not generated: a placeholder, or fewer than 76 bits by a cautious estimate,
 * which counts words, sequences and repetitions as what they cost somebody who tries them. For secrets that can be tried
 * offline (ASVS 5.0 11.2.3): one refresh token suffices to test guesses of APP_SECRET.
 */
export function isGuessable(secret: string): boolean {
  return PLACEHOLDER.test(secret.toLowerCase().replace(/[^a-z]/g, '')) || estimateBits(secret) < MIN_BITS;
}

/** Reads from left to right, and takes the longest pattern or word at each place. */
function estimateBits(secret: string): number {
  const bitsOf = /^[0-9a-f]+$/i.test(secret) ? () => 4 : bitsOfCharacter;
  let bits = 0;
  for (let at = 0; at < secret.length;) {
    const pattern = patternAt(secret.toLowerCase(), at);
    const word = wordAt(secret, at);
    const length = Math.max(1, pattern, word);
    const most = length === 1 ? Infinity : pattern >= word ? BITS_OF_A_PATTERN : BITS_OF_A_WORD;
    bits += Math.min(most, length * bitsOf(secret[at]!));
    at += length;
  }
  return bits;
}

function bitsOfCharacter(character: string): number {
  if (/[0-9]/.test(character)) return Math.log2(10);
  return /[a-zA-Z]/.test(character) ? Math.log2(52) : BITS_OF_A_SYMBOL;
}

/** How many characters from here on are one letter, part of a row, or repeat what is before; 0 for fewer than four. */
function patternAt(text: string, at: number): number {
  const fits = (part: string) =>
    part === part[0]!.repeat(part.length) || SEQUENCES.some((row) => row.includes(part)) || text.indexOf(part) < at;
  let length = 0;
  while (at + length < text.length && fits(text.slice(at, at + length + 1))) length += 1;
  return length < MIN_LENGTH ? 0 : length;
}

/** The length of a run of letters that can be spoken; 0 for none. */
function wordAt(secret: string, at: number): number {
  const run = /^[A-Z]?[a-z]+|^[A-Z]+/.exec(secret.slice(at))?.[0].toLowerCase() ?? '';
  const isSpoken = /[aeiouy]/.test(run) && !/[^aeiouy]{5}/.test(run);
  return isSpoken && run.length >= MIN_LENGTH ? run.length : 0;
}
