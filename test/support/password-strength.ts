import { HashingQueue } from '../../src/passwords/hashing-queue.js';
import { PasswordStrength } from '../../src/passwords/password-strength.js';

const shared = new PasswordStrength(new HashingQueue());

/**
 * The judge of new passwords for all applications of a test process. Its thread takes five times as long to start as an
 * application does. Without a shutdown hook: it outlives them.
 */
export const sharedStrength: Pick<PasswordStrength, 'queue' | 'whyWeak'> = {
  queue: shared.queue,
  whyWeak: (password, words) => shared.whyWeak(password, words),
};
