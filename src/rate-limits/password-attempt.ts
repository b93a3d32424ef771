import { Logger } from '@nestjs/common';
import type { ThrottleRows } from './throttle-rows.js';
import { ACCOUNT_POLICY, type ThrottlePolicy, type ThrottleState } from './throttle.js';

interface CountedFailure {
  name: string;
  key: string;
  policy: ThrottlePolicy;
  before: ThrottleState | null;
  counted: ThrottleState;
  /** Budgets that left the attempt to this one. */
  usedUp: string[];
}

/** An attempt that counts as failed until it has succeeded. */
export class PasswordAttempt {
  private static readonly logger = new Logger(PasswordAttempt.name);

  private constructor(
    private readonly rows: ThrottleRows | null,
    private readonly failure: CountedFailure | null,
    /** Whether no password is accepted any more. */
    readonly isStopped: boolean,
    /** The budget that the attempt was counted in: of a known device, or of all others. */
    readonly budget: string | null,
  ) {}

  static uncounted(): PasswordAttempt {
    return new PasswordAttempt(null, null, false, null);
  }

  static stopped(budget: string): PasswordAttempt {
    return new PasswordAttempt(null, null, true, budget);
  }

  static counted(rows: ThrottleRows, failure: CountedFailure): PasswordAttempt {
    return new PasswordAttempt(rows, failure, false, failure.name);
  }

  /** Whether a failure of this attempt is the one after which unknown devices are stopped. True for one attempt only. */
  get isLast(): boolean {
    return this.failure?.name === 'password-account' && this.failure.counted.failures === ACCOUNT_POLICY.stopAt;
  }

  /**
   * Verifies the password. A match forgets the failures of this budget, and of
   * those that were used up before it. An error (`hashing_busy`, `database_unavailable`)
   * is no guess, and takes the count back.
   */
  async settle<T>(verify: () => Promise<T | null>): Promise<T | null> {
    const result = await verify().catch(async (error: unknown) => {
      await this.takeBack();
      throw error;
    });
    if (result !== null) await this.forget();
    return result;
  }

  private async forget(): Promise<void> {
    if (!this.failure) return;
    await this.rows!.deleteMany([this.failure.key, ...this.failure.usedUp]);
  }

  private async takeBack(): Promise<void> {
    if (!this.failure) return;
    const { key, before, counted } = this.failure;
    await this.rows!.takeBack(key, before, counted).catch((error: unknown) => {
      PasswordAttempt.logger.warn(`An attempt stays counted: ${(error as Error).message}`);
    });
  }
}
