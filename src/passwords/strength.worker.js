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
  // Of its time nine tenths go into "what if 4 stands for a", beyond the first few of them in vain.
  l33tMaxSubstitutions: 10,
  maxLength: MAX_LENGTH,
});
const listed = new Set(common.dictionary['passwords-common'].map(String));

/**
 * Why a password is too easy to guess, in a sentence; null when it is not.
 *
 * @param {{ password: string, ownWords: string[] }} task
 * @returns {string | null}
 */
export default function whyWeak({ password, ownWords }) {
  const text = password.normalize('NFKC');
  if (listed.has(text.toLowerCase())) return `Too easy to guess: ${COMMON}.`;
  const { guesses, sequence, feedback } = estimator.check(text.slice(0, MAX_LENGTH), ownWords);
  if (guesses > GOOD_ENOUGH_GUESSES || sequence.every(isRandom)) return null;
  return `Too easy to guess: ${feedback.warning || 'add unrelated words'}.`;
}

/** What no list, pattern or rule accounts for: however short it is, the configured length has judged that. */
const isRandom = (/** @type {{ pattern: string }} */ { pattern }) => pattern === 'bruteforce';

parentPort?.on('message', (task) => parentPort?.postMessage(whyWeak(task)));
parentPort?.postMessage('started');
