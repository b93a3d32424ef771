import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import { Config } from '../config/config.js';
import type { Statements } from '../database/database.js';
import type { ExceededLimit } from '../problem/exceeded-limit.js';
import { Problem } from '../problem/problem.js';
import { RateLimitMetrics } from './rate-limit-metrics.js';
import { SubjectHasher } from './subject-hasher.js';
import { ThrottleRows } from './throttle-rows.js';
import { PasswordAttempt } from './password-attempt.js';
import {
  ACCOUNT_POLICY,
  CODE_POLICY,
  countFailure,
  decideAttempt,
  delayAfter,
  DEVICE_POLICY,
  type ThrottlePolicy,
} from './throttle.js';

/** Each is a budget of consecutive failures of its own. */
export type ThrottleName = 'password-account' | 'password-device' | 'password-session' | 'code-account';

interface Budget {
  name: ThrottleName;
  key: string;
  policy: ThrottlePolicy;
}

type StopListener = (userId: string) => Promise<void> | void;

/** Each round means that another attempt was counted: the free ones are used up long before. */
const MAX_ROUNDS = 20;

/**
 * Throttles guesses at the password of one account (NIST SP 800-63B-4 section 3.2.2). An attempt is counted before the
 * password is verified, so that parallel guesses are that many guesses. Accounts are told apart by the canonical address,
 * whether or not it has an account (user enumeration). Devices that have signed in before and sessions have budgets of
 * their own, so that nobody can lock out somebody else (OWASP "device cookie").
 */
@Injectable()
export class PasswordThrottle {
  private readonly logger = new Logger(PasswordThrottle.name);
  private readonly isOff: boolean;
  private readonly stopListeners: StopListener[] = [];

  constructor(
    config: Config,
    private readonly rows: ThrottleRows,
    private readonly hasher: SubjectHasher,
    private readonly metrics: RateLimitMetrics,
    private readonly clock: Clock,
  ) {
    this.isOff = config.rateLimits === 'off';
  }

  /** Identifies an account in device tokens: a keyed hash of the canonical address. */
  accountKey(canonical: string): string {
    return this.hasher.hash('account', canonical);
  }

  /**
   * Counts an attempt to sign in. One of a known device uses the budget of the device until that is used up. The attempt may
   * be stopped: then its result must be that of a wrong password, in the same time. Throws `rate_limited`.
   *
   * @param canonical `EmailAddress.canonical`; the text itself where it is no address
   * @param deviceId of a device token of this account, verified
   */
  async beginSignIn(canonical: string, deviceId: string | null): Promise<PasswordAttempt> {
    const account: Budget = { name: 'password-account', key: this.accountKey(canonical), policy: ACCOUNT_POLICY };
    if (deviceId === null) return this.begin([account]);
    const key = this.hasher.hash('device', canonical, deviceId);
    return this.begin([{ name: 'password-device', key, policy: DEVICE_POLICY }, account]);
  }

  /**
   * Consecutive failures of unknown devices at this account; it counts nothing. Throws `rate_limited` while such a device has
   * to wait.
   */
  async findFailures(canonical: string): Promise<number> {
    if (this.isOff) return 0;
    const budget: Budget = { name: 'password-account', key: this.accountKey(canonical), policy: ACCOUNT_POLICY };
    const state = await this.rows.find(budget.key);
    const decision = decideAttempt(state, this.clock.now(), budget.policy);
    if (decision.kind === 'delay') throw this.refusal(budget, state!.failures, decision.retryAfterMs);
    return state?.failures ?? 0;
  }

  /** Counts an attempt to prove the password within a session: a thief of the session cannot stop its owner elsewhere. */
  beginInSession(canonical: string, sessionId: string): Promise<PasswordAttempt> {
    const key = this.hasher.hash('session', canonical, sessionId);
    return this.begin([{ name: 'password-session', key, policy: ACCOUNT_POLICY }]);
  }

  /** Counts an attempt to enter a code that was mailed to an address. It may be stopped: then no code is right. */
  beginCode(canonical: string): Promise<PasswordAttempt> {
    return this.begin([{ name: 'code-account', key: this.codeKey(canonical), policy: CODE_POLICY }]);
  }

  /** Forgets the failures of unknown devices and codes, also beyond the stop: when the password was reset or changed. */
  async clear(canonical: string, transaction: Statements): Promise<void> {
    await this.rows.deleteMany([this.accountKey(canonical), this.codeKey(canonical)], transaction);
  }

  private codeKey(canonical: string): string {
    return this.hasher.hash('code', canonical);
  }

  /** The listener is called once when an active account stops to accept passwords from unknown devices. */
  onStopped(listener: StopListener): void {
    this.stopListeners.push(listener);
  }

  /** Runs the listeners after the response: the time of the response must not tell that there is an account. */
  reportStopped(userId: string): void {
    for (const listener of this.stopListeners) {
      Promise.resolve()
        .then(() => listener(userId))
        .catch((error: unknown) =>
          this.logger.error(`A stopped sign-in was not reported: ${(error as Error).message}`),
        );
    }
  }

  /** In order of preference: a budget that is used up leaves the attempt to the next one. */
  private async begin(budgets: Budget[]): Promise<PasswordAttempt> {
    if (this.isOff) return PasswordAttempt.uncounted();
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const attempt = await this.tryBegin(budgets);
      if (attempt) return attempt;
    }
    throw this.refusal(budgets.at(-1)!, 1, 1000);
  }

  /** Null where another attempt came in between. */
  private async tryBegin(budgets: Budget[]): Promise<PasswordAttempt | null> {
    const now = this.clock.now();
    const states = await Promise.all(budgets.map(({ key }) => this.rows.find(key)));
    const usedUp: string[] = [];
    for (const [i, budget] of budgets.entries()) {
      const before = states[i]!;
      const decision = decideAttempt(before, now, budget.policy);
      if (decision.kind === 'delay') throw this.refusal(budget, before!.failures, decision.retryAfterMs);
      const isStopped = decision.kind === 'stop';
      if (isStopped && budget !== budgets.at(-1)) {
        usedUp.push(budget.key);
        continue;
      }
      // A stopped attempt writes the same row, so that its response takes the same time.
      const counted = countFailure(before, now);
      const isCounted = await this.rows.storeFailure(budget.key, counted);
      if (isStopped) return PasswordAttempt.stopped(budget.name);
      return isCounted ? PasswordAttempt.counted(this.rows, { ...budget, before, counted, usedUp }) : null;
    }
    return null;
  }

  private refusal({ name, policy }: Budget, failures: number, retryAfterMs: number): Problem {
    this.metrics.count(name);
    const windowMs = Math.max(delayAfter(failures, policy), retryAfterMs);
    const limit: ExceededLimit = { name, points: 1, windowMs, retryAfterMs };
    return new Problem('rate_limited', { limits: [limit] });
  }
}
