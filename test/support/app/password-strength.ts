import pLimit from 'p-limit';
import { Config } from '../../../src/config/config.js';
import { HashingQueue } from '../../../src/passwords/hashing-queue.js';
import { PasswordStrength } from '../../../src/passwords/password-strength.js';

const FIRST_PASSWORDS = Array.from({ length: 10 }, (_, i) => ({
  password: `a long enough passphrase ${i}`,
  words: { email: 'someone@example.com', name: null },
}));

const shared = new PasswordStrength(new HashingQueue(new Config()));
const turn = pLimit(1);
const ask = (task: object) => turn(() => shared['ask'](task));
let warm: Promise<unknown> | undefined;

/**
 * As an application has it, but for the thread, which all applications of a test process share. The thread takes five
 * times as long to start as an application, and its first judgements ten times as long as later ones: long enough for
 * the queue to refuse the tests' users on a busy machine.
 */
export function strengthOnSharedThread(hashing: HashingQueue): PasswordStrength {
  const strength = new PasswordStrength(hashing);
  strength['started'] = async () => {
    await (warm ??= Promise.all(FIRST_PASSWORDS.map(ask)));
    return shared['started']();
  };
  strength['ask'] = ask;
  return strength;
}
