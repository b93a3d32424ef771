// @ts-check
/**
 * Runs in a thread of its own (`password-strength.ts`): a hostile password keeps it busy for a fifth of a second. Plain
 * JavaScript, because a thread is started from a file, and the tests run from the source.
 */
import { parentPort } from 'node:worker_threads';
import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import * as common from '@zxcvbn-ts/language-common';
import * as english from '@zxcvbn-ts/language-en';

/** Ten times the library's bar for "safely unguessable": any three pieces, however trivial, count for 10^8. */
const GOOD_ENOUGH_GUESSES = 1e9;
/** Time grows with the square of the length: of a longer password the beginning has to be good. */
const MAX_LENGTH = 64;

/** What the greatest part of a weak password is. */
const WEAKNESSES = {
  straightRow: 'a row of keys on the keyboard',
  keyPattern: 'a pattern on the keyboard',
  simpleRepeat: 'one character again and again',
  extendedRepeat: 'the same characters again and again',
  sequences: 'characters in their order, like "abc"',
  recentYears: 'a year',
  dates: 'a date',
  topTen: 'one of the most common passwords',
  topHundred: 'one of the most common passwords',
  common: 'one of the most common passwords',
  similarToCommon: 'close to one of the most common passwords',
  wordByItself: 'a single word',
  namesByThemselves: 'a name',
  commonNames: 'common names',
  userInputs: 'your name, your e-mail address or the name of this product',
  pwned: 'a password that became known',
};

const estimator = new ZxcvbnFactory({
  dictionary: { ...common.dictionary, ...english.dictionary },
  graphs: common.adjacencyGraphs,
  translations: { ...english.translations, warnings: WEAKNESSES },
  // Of its time nine tenths go into "what if 4 stands for a", beyond the first few of them in vain.
  l33tMaxSubstitutions: 10,
  maxLength: MAX_LENGTH,
});
const listed = new Set(common.dictionary['passwords-common'].map(String));

/**
 * Why a password is too easy to guess, as the end of a sentence; null when it is not.
 *
 * @param {{ password: string, ownWords: string[] }} task
 * @returns {string | null}
 */
export default function whyWeak({ password, ownWords }) {
  const text = password.normalize('NFKC');
  if (listed.has(text.toLowerCase())) return 'is one of the most common passwords';
  const { guesses, sequence, feedback } = estimator.check(text.slice(0, MAX_LENGTH), ownWords);
  if (guesses > GOOD_ENOUGH_GUESSES || sequence.every(isRandom)) return null;
  const weakness = feedback.warning;
  return weakness
    ? `is easy to guess: most of it is ${weakness}`
    : 'is easy to guess: add words that have nothing to do with each other';
}

/** What no list, pattern or rule accounts for: however short it is, the configured length has judged that. */
const isRandom = (/** @type {{ pattern: string }} */ { pattern }) => pattern === 'bruteforce';

parentPort?.on('message', (task) => parentPort?.postMessage(whyWeak(task)));
parentPort?.postMessage('started');
