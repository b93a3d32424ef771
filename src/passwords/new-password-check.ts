import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { BreachedPasswords } from './breached-passwords.js';
import type { Ticket } from './fair-queue.js';
import type { PersonalWords } from './own-words.js';
import { findViolation } from './password-policy.js';
import { PasswordStrength } from './password-strength.js';

/** Whether a new password may be used: length and encoding, then how hard it is to guess, then known breaches. */
@Injectable()
export class NewPasswordCheck {
  constructor(
    private readonly config: Config,
    private readonly strength: PasswordStrength,
    private readonly breached: BreachedPasswords,
  ) {}

  /** Why it may not be used, in a sentence; null when it may. Throws `hashing_busy`. */
  async findFault(password: string, words: PersonalWords, ticket: Ticket): Promise<string | null> {
    return (
      findViolation(password, this.config.passwordMinLength) ??
      (await this.strength.findWeakness(password, words, ticket)) ??
      (await this.breached.findBreach(password))
    );
  }
}
