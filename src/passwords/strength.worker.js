// @ts-check
/**
 * Runs in a worker thread (`password-strength.ts`): a hostile password takes 200 ms. Plain JavaScript, because a worker
 * is started from a file, and the tests run from the source.
 */
import { parentPort } from 'node:worker_threads';
import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import * as common from '@zxcvbn-ts/language-common';
import * as english from '@zxcvbn-ts/language-en';
import { findOriginOfWords, ownWords } from './own-words.js';

/** Ten times the library's limit for "safely unguessable": it counts 10^8 guesses for any three trivial pieces. */
const GOOD_ENOUGH_GUESSES = 1e9;
/** The time grows with the square of the length. Of a longer password only the beginning is judged. */
const MAX_LENGTH = 64;

const COMMON = 'one of the most common passwords';

/** What zxcvbn's warnings mean, as the end of the message. */
const WEAKNESSES = {
  straightRow: 'mostly a row of keys',
  keyPattern: 'mostly a keyboard pattern',
  simpleRepeat: 'mostly one repeated character',
  extendedRepeat: 'mostly repeated characters',
  sequences: 'mostly a sequence like "abc"',
  recentYears: 'mostly a year',
  dates: 'mostly a date',
  topTen: COMMON,
  topHundred: COMMON,
  common: COMMON,
  similarToCommon: 'similar to a common password',
  wordByItself: 'mostly a single word',
  namesByThemselves: 'mostly a name',
  commonNames: 'mostly common names',
  userInputs: 'mostly your name, your e-mail address or the name of this product',
  pwned: 'known from a data breach',
};

const estimator = new ZxcvbnFactory({
  dictionary: { ...common.dictionary, ...english.dictionary },
  graphs: common.adjacencyGraphs,
  translations: { ...english.translations, warnings: WEAKNESSES },
  // Substitutions like 4 for a take 90 % of the time, and more than a few of them find nothing new.
  l33tMaxSubstitutions: 10,
  maxLength: MAX_LENGTH,
});
const listed = new Set(common.dictionary['passwords-common'].map(String));

/**
 * Why a password is too easy to guess, in a sentence; null when it is not.
 *
 * @param {{ password: string, words: import('./own-words.js').PersonalWords }} task
 * @returns {string | null}
 */
export default function findWeakness({ password, words }) {
  const owners = ownWords(words);
  const origin = findOriginOfWords(password, owners);
  if (origin) return `Too easy to guess: only ${origin}.`;
  const text = password.normalize('NFKC');
  if (listed.has(text.toLowerCase())) return `Too easy to guess: ${COMMON}.`;
  const { guesses, sequence, feedback } = estimator.check(text.slice(0, MAX_LENGTH), [...owners.keys()]);
  if (guesses > GOOD_ENOUGH_GUESSES || sequence.every(isRandom)) return null;
  return `Too easy to guess: ${feedback.warning || 'add unrelated words'}.`;
}

/** Matches no list, pattern or rule. A short one is the length rule's concern. */
const isRandom = (/** @type {{ pattern: string }} */ { pattern }) => pattern === 'bruteforce';

parentPort?.on('message', (task) => parentPort?.postMessage(findWeakness(task)));
parentPort?.postMessage('started');
