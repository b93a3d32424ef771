import { timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import { Database, type Statements } from '../database/database.js';
import { PasswordThrottle } from '../rate-limits/password-throttle.js';
import type { EmailAddress } from '../users/email.js';
import {
  challengeOf,
  CODE_LIFETIME_MS,
  CODE_TRIES,
  hashOfChallenge,
  hashOfCode,
  hashOfToken,
  type OneTimeProof,
  type OneTimeSecrets,
} from './one-time-secrets.js';
import type { OneTimeToken, OneTimeTokenKind } from './one-time-token.entity.js';

/** The account that a `register` token makes. Its password counts only for the mailbox that confirms this registration. */
export interface PendingRegistration {
  passwordHash: string | null;
  name: string | null;
  locale: string | null;
}

/** Whether the address that an undo restores was verified. */
export interface UndoDetails {
  wasVerified: boolean;
}

type TokenDetails = PendingRegistration | UndoDetails;

interface NewOneTimeToken {
  kind: OneTimeTokenKind;
  secrets: OneTimeSecrets;
  /** Of the browser that asked; null where it cannot enter a code. */
  codeChallenge: string | null;
  userId: string | null;
  email: EmailAddress;
  details?: TokenDetails;
  /** When it was asked for, in milliseconds since the epoch. Its lifetimes count from here. */
  createdAt: number;
  lifetimeMs: number;
}

/** A token that is valid. */
export interface ValidOneTimeToken {
  tokenHash: string;
  kind: OneTimeTokenKind;
  userId: string | null;
  email: EmailAddress;
  details: TokenDetails | null;
  /** Whether the proof came from the browser that asked. */
  isBound: boolean;
}

interface Row {
  token_hash: string;
  kind: OneTimeTokenKind;
  user_id: string | null;
  email: string;
  email_canonical: string;
  details: string | null;
  challenge_hash: string | null;
}

const COLUMNS = 'token_hash, kind, user_id, email, email_canonical, details, challenge_hash';

/** Tokens that are mailed: single use, short-lived, and revoked when the credentials of their user change. */
@Injectable()
export class OneTimeTokensService {
  constructor(
    private readonly database: Database,
    private readonly throttle: PasswordThrottle,
    private readonly clock: Clock,
  ) {}

  /** Idempotent: a token that exists, used or not, stays as it is. False then. */
  async issue(token: NewOneTimeToken, transaction: Statements): Promise<boolean> {
    const { secrets, codeChallenge, email, details } = token;
    const hasCode = codeChallenge !== null && secrets.code !== null;
    if (hasCode) await this.revokeElsewhere(hashOfChallenge(codeChallenge), email, transaction);
    const issued = await transaction.write(
      `INSERT INTO one_time_tokens (token_hash, kind, user_id, email, email_canonical, details, challenge_hash, code_hash,
         tries, created_at, expires_at)
       VALUES ($1, $2, $3::uuid, $4, $5, $6, $7, $8, 0, $9::bigint, $10::bigint)
       ON CONFLICT (token_hash) DO NOTHING RETURNING token_hash`,
      // prettier-ignore
      [
        hashOfToken(secrets.token), token.kind, token.userId, email.address, email.canonical,
        details ? JSON.stringify(details) : null,
        hasCode ? hashOfChallenge(codeChallenge) : null,
        hasCode ? hashOfCode(codeChallenge, secrets.code!) : null,
        token.createdAt, token.createdAt + token.lifetimeMs,
      ],
    );
    return issued.length === 1;
  }

  /**
   * The valid token that a proof stands for, or null. Each call with a code counts as a try of its mail, and until it is right
   * as a failure of the address, before the code is compared and atomically: 200 parallel tries are 200 tries. It redeems
   * nothing.
   */
  async find(proof: OneTimeProof, kinds: OneTimeTokenKind[]): Promise<ValidOneTimeToken | null> {
    return 'token' in proof ? this.findByToken(proof, kinds) : this.findByCode(proof, kinds);
  }

  /** Uses a token up. False when another request did so first, or when it was revoked or has expired meanwhile. */
  async redeem({ tokenHash }: ValidOneTimeToken, transaction: Statements): Promise<boolean> {
    const used = await transaction.write(
      `UPDATE one_time_tokens SET used_at = $1::bigint, details = NULL
       WHERE token_hash = $2 AND used_at IS NULL AND expires_at > $1::bigint RETURNING token_hash`,
      [this.clock.now(), tokenHash],
    );
    return used.length === 1;
  }

  /** Revokes the tokens of a user whose credentials change. The way back from a change of address stays open, unless named. */
  async revokeForUser(
    userId: string,
    transaction: Statements,
    kinds: OneTimeTokenKind[] = ['verify_email', 'reset_password', 'change_email'],
  ): Promise<void> {
    await transaction.write(
      `UPDATE one_time_tokens SET used_at = $1::bigint WHERE user_id = $2::uuid AND used_at IS NULL
         AND kind IN ${this.database.table('$3', { kind: 'text' })}`,
      [this.clock.now(), userId, listOf(kinds)],
    );
  }

  /**
   * Locks the registrations of an address until the transaction ends, in one order for all. Whether there is another one than
   * this, redeemed or not: then somebody else may have begun one of them.
   */
  async lockRegistrations({ tokenHash, email }: ValidOneTimeToken, transaction: Statements): Promise<boolean> {
    const all = await transaction.read<{ token_hash: string }>(
      `SELECT token_hash FROM one_time_tokens WHERE email_canonical = $1 AND kind = 'register' ORDER BY token_hash FOR UPDATE`,
      [email.canonical],
    );
    return all.some(({ token_hash }) => token_hash !== tokenHash);
  }

  /** What is valid of a user, for their export. */
  findForUser(userId: string): Promise<Pick<OneTimeToken, 'kind' | 'email' | 'createdAt' | 'expiresAt'>[]> {
    return this.database.read(
      `SELECT kind, email, created_at AS "createdAt", expires_at AS "expiresAt" FROM one_time_tokens
       WHERE user_id = $1::uuid AND used_at IS NULL AND expires_at > $2::bigint ORDER BY created_at`,
      [userId, this.clock.now()],
    );
  }

  /** Deletes what is left of registrations of an address. */
  async deleteRegistrations({ canonical }: EmailAddress, transaction: Statements): Promise<void> {
    const sql = `DELETE FROM one_time_tokens WHERE email_canonical = $1 AND kind = 'register'`;
    await transaction.write(`${sql} RETURNING token_hash`, [canonical]);
  }

  /** Revokes the registrations of an address that now has an account. */
  async revokeRegistrations({ canonical }: EmailAddress, transaction: Statements): Promise<void> {
    await transaction.write(
      `UPDATE one_time_tokens SET used_at = $1::bigint, details = NULL
       WHERE email_canonical = $2 AND kind = 'register' AND used_at IS NULL`,
      [this.clock.now(), canonical],
    );
  }

  /**
   * Revokes the links that undo changes of address after this one, or restore the same address.
   *
   * @param undo a token that was redeemed in this transaction
   */
  async revokeLaterUndos({ tokenHash, userId, email }: ValidOneTimeToken, transaction: Statements): Promise<void> {
    await transaction.write(
      `UPDATE one_time_tokens SET used_at = $1::bigint
       WHERE user_id = $2::uuid AND kind = 'undo_email_change' AND used_at IS NULL
         AND (email_canonical = $3
           OR created_at >= (SELECT u.created_at FROM one_time_tokens u WHERE u.token_hash = $4))`,
      [this.clock.now(), userId, email.canonical, tokenHash],
    );
  }

  /** Whether an address is kept for a former owner, of another account, who may still undo a change of address. */
  async isReserved({ canonical }: EmailAddress, on: Statements, forUserId?: string): Promise<boolean> {
    const rows = await on.read<{ user_id: string }>(
      `SELECT user_id FROM one_time_tokens WHERE email_canonical = $1 AND kind = 'undo_email_change'
         AND used_at IS NULL AND expires_at > $2::bigint`,
      [canonical, this.clock.now()],
    );
    return rows.some(({ user_id }) => user_id !== forUserId);
  }

  /** A challenge belongs to one address: otherwise one guess at a code would count for many accounts. */
  private async revokeElsewhere(
    challengeHash: string,
    { canonical }: EmailAddress,
    transaction: Statements,
  ): Promise<void> {
    await transaction.write(
      `UPDATE one_time_tokens SET used_at = $1::bigint
       WHERE challenge_hash = $2 AND email_canonical <> $3 AND used_at IS NULL`,
      [this.clock.now(), challengeHash, canonical],
    );
  }

  private async findByToken(
    { token, codeVerifier }: { token: string; codeVerifier?: string },
    kinds: OneTimeTokenKind[],
  ): Promise<ValidOneTimeToken | null> {
    const [row] = await this.database.read<Row>(
      `SELECT ${COLUMNS} FROM one_time_tokens WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2::bigint
         AND kind IN ${this.database.table('$3', { kind: 'text' })}`,
      [hashOfToken(token), this.clock.now(), listOf(kinds)],
    );
    const challenge = codeVerifier === undefined ? null : hashOfChallenge(challengeOf(codeVerifier));
    return row ? toToken(row, challenge !== null && challenge === row.challenge_hash) : null;
  }

  private async findByCode(
    { code, codeVerifier }: { code: string; codeVerifier: string },
    kinds: OneTimeTokenKind[],
  ): Promise<ValidOneTimeToken | null> {
    const challenge = challengeOf(codeVerifier);
    const now = this.clock.now();
    const rows = await this.database.write<Row & { code_hash: string }>(
      `UPDATE one_time_tokens SET tries = tries + 1
       WHERE challenge_hash = $1 AND used_at IS NULL AND tries < ${CODE_TRIES}
         AND created_at > $2::bigint AND expires_at > $3::bigint
         AND kind IN ${this.database.table('$4', { kind: 'text' })}
       RETURNING ${COLUMNS}, code_hash`,
      [hashOfChallenge(challenge), now - CODE_LIFETIME_MS, now, listOf(kinds)],
    );
    const [first] = rows;
    if (!first) return null;
    const attempt = await this.throttle.beginCode(first.email_canonical);
    return attempt.settle(async () => {
      const expected = Buffer.from(hashOfCode(challenge, code));
      const found = rows.find((row) => timingSafeEqual(Buffer.from(row.code_hash), expected));
      return found && !attempt.isStopped ? toToken(found, true) : null;
    });
  }
}

function listOf(kinds: OneTimeTokenKind[]): string {
  return JSON.stringify(kinds.map((kind) => ({ kind })));
}

function toToken(row: Row, isBound: boolean): ValidOneTimeToken {
  return {
    tokenHash: row.token_hash,
    kind: row.kind,
    userId: row.user_id,
    email: { address: row.email, canonical: row.email_canonical },
    details: row.details === null ? null : (JSON.parse(row.details) as TokenDetails),
    isBound,
  };
}
