import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { Clock } from '../clock/clock.js';
import { Database, type Statements } from '../database/database.js';
import type { EmailAddress } from './email.js';
import { nextTokenVersion } from './token-version.js';
import { User } from './user.entity.js';

/** What a sign-in needs to know of a user. */
export type SignInUser = Pick<User, 'id' | 'tokenVersion'>;

/** What is needed to write to a user. */
export type Contact = Pick<
  User,
  'id' | 'email' | 'emailCanonical' | 'name' | 'locale' | 'status' | 'emailVerifiedAt' | 'tokenVersion'
>;

const CONTACT_COLUMNS =
  'id, email, email_canonical AS "emailCanonical", name, locale, status, email_verified_at AS "emailVerifiedAt", ver AS "tokenVersion"';

export interface NewUser {
  email: EmailAddress;
  name: string | null;
  passwordHash: string | null;
  locale: string | null;
}

@Injectable()
export class UsersService {
  constructor(
    @InjectRepository(User) private readonly users: Repository<User>,
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  findById(id: string): Promise<User | null> {
    return this.users.findOneBy({ id });
  }

  findByEmail(email: EmailAddress): Promise<User | null> {
    return this.users.findOneBy({ emailCanonical: email.canonical });
  }

  /** For transactions, which must not wait for a second connection. */
  async findContactById(id: string, transaction: Statements): Promise<Contact | null> {
    const sql = `SELECT ${CONTACT_COLUMNS} FROM users WHERE id = $1::uuid`;
    return (await transaction.read<Contact>(sql, [id]))[0] ?? null;
  }

  /** The same by address. */
  async findContactByEmail({ canonical }: EmailAddress, transaction: Statements): Promise<Contact | null> {
    const sql = `SELECT ${CONTACT_COLUMNS} FROM users WHERE email_canonical = $1`;
    return (await transaction.read<Contact>(sql, [canonical]))[0] ?? null;
  }

  /**
   * Locks the row of a user until the transaction ends. Transactions that change several tables lock the user first: then none
   * of two waits for the other. False where there is no such user.
   */
  async lock(id: string, transaction: Statements): Promise<boolean> {
    const sql = 'SELECT id FROM users WHERE id = $1::uuid FOR NO KEY UPDATE';
    return (await transaction.read(sql, [id])).length === 1;
  }

  /** The same, and false also where credentials, roles or status changed since the user was read: a password proved before. */
  async lockUnchanged({ id, tokenVersion }: SignInUser, transaction: Statements): Promise<boolean> {
    const sql = `SELECT id FROM users WHERE id = $1::uuid AND ver = $2::integer AND status = 'active' FOR NO KEY UPDATE`;
    return (await transaction.read(sql, [id, tokenVersion])).length === 1;
  }

  /**
   * Makes an active user without roles; null when the address has an account already.
   *
   * @param verifiedAt when the mailbox was proved; null if it was not
   */
  async create(
    { email, name, passwordHash, locale }: NewUser,
    verifiedAt: number | null,
    transaction: Statements,
  ): Promise<SignInUser | null> {
    const [user] = await transaction.write<{ id: string; ver: number }>(
      `INSERT INTO users (id, email, email_canonical, name, password_hash, roles, status, ver, created_at, updated_at,
         email_verified_at, locale)
       VALUES ($1::uuid, $2, $3, $4, $5, '[]', 'active', ${nextTokenVersion('0', '$6::bigint')}, $6::bigint, $6::bigint,
         $7::bigint, $8)
       ON CONFLICT (email_canonical) DO NOTHING
       RETURNING id, ver`,
      // prettier-ignore
      [uuidv7(), email.address, email.canonical, name, passwordHash, this.clock.now(), verifiedAt, locale],
    );
    return user ? { id: user.id, tokenVersion: user.ver } : null;
  }

  /** Changes what is given. Resolves to the user after it; null when there is none. */
  async update(id: string, { name, locale }: { name?: string | null; locale?: string | null }): Promise<User | null> {
    const changes = { ...(name !== undefined && { name }), ...(locale !== undefined && { locale }) };
    const set = Object.keys(changes).map((column, i) => `${column} = $${i + 3}, `);
    await this.database.write(`UPDATE users SET ${set.join('')}updated_at = $1::bigint WHERE id = $2::uuid`, [
      this.clock.now(),
      id,
      ...Object.values(changes),
    ]);
    return this.findById(id);
  }

  /**
   * Notes that the user reads the mail of their address. The first proof of a mailbox removes the password that was set before
   * it, where `keepsPassword` is false. Locks the row of the user. Null where it was verified before, or there is no user.
   */
  async verifyEmail(
    id: string,
    { canonical }: EmailAddress,
    keepsPassword: boolean,
    transaction: Statements,
  ): Promise<SignInUser | null> {
    const removal = keepsPassword ? '' : `, password_hash = NULL, ver = ${nextTokenVersion('ver', '$1::bigint')}`;
    const [user] = await transaction.write<{ ver: number }>(
      `UPDATE users SET email_verified_at = $1::bigint, updated_at = $1::bigint${removal}
       WHERE id = $2::uuid AND email_canonical = $3 AND email_verified_at IS NULL RETURNING ver`,
      [this.clock.now(), id, canonical],
    );
    return user ? { id, tokenVersion: user.ver } : null;
  }

  /**
   * Gives the user another address. Null where there is no active user. Rejects with an error of the database where another
   * account has the address: `isUniqueViolation`.
   *
   * @param isVerified whether the mailbox is proved
   */
  async changeEmail(
    id: string,
    email: EmailAddress,
    isVerified: boolean,
    transaction: Statements,
  ): Promise<SignInUser | null> {
    const now = this.clock.now();
    const [user] = await transaction.write<{ ver: number }>(
      `UPDATE users SET email = $1, email_canonical = $2, email_verified_at = $3::bigint, updated_at = $4::bigint
       WHERE id = $5::uuid AND status = 'active' RETURNING ver`,
      [email.address, email.canonical, isVerified ? now : null, now, id],
    );
    return user ? { id, tokenVersion: user.ver } : null;
  }

  /**
   * Stores a new password for the user whose mailbox, of the address that they still have, is proved by a reset. Outdates all
   * access tokens, and locks the row. Null where there is no active user with this address.
   */
  async resetPassword(
    id: string,
    { canonical }: EmailAddress,
    newHash: string,
    transaction: Statements,
  ): Promise<SignInUser | null> {
    const [user] = await transaction.write<{ ver: number }>(
      `UPDATE users SET password_hash = $1, ver = ${nextTokenVersion('ver', '$2::bigint')}, updated_at = $2::bigint,
         email_verified_at = COALESCE(email_verified_at, $2::bigint)
       WHERE id = $3::uuid AND email_canonical = $4 AND status = 'active'
       RETURNING ver`,
      [newHash, this.clock.now(), id, canonical],
    );
    return user ? { id, tokenVersion: user.ver } : null;
  }

  /** Deletes the user with all that refers to them. False where there is no such user. */
  async remove(id: string, transaction: Statements): Promise<boolean> {
    const removed = await transaction.write('DELETE FROM users WHERE id = $1::uuid RETURNING id', [id]);
    return removed.length === 1;
  }

  /**
   * Stores a new password hash if nothing about the user changed since the old password was checked, and outdates all
   * access tokens. Locks the user's row until the transaction ends. Null when another change came first.
   */
  async changePassword(user: User, newHash: string, transaction: Statements): Promise<SignInUser | null> {
    const [changed] = await transaction.write<{ ver: number }>(
      `UPDATE users SET password_hash = $1, ver = ${nextTokenVersion('ver', '$2::bigint')}, updated_at = $2::bigint
       WHERE id = $3::uuid AND ver = $4::integer AND status = 'active'
       RETURNING ver`,
      [newHash, this.clock.now(), user.id, user.tokenVersion],
    );
    return changed ? { id: user.id, tokenVersion: changed.ver } : null;
  }

  /** Outdates all access tokens of the user, whose row it locks. The new version, or null when there is no such user. */
  async incrementTokenVersion(id: string, transaction: Statements): Promise<number | null> {
    const [user] = await transaction.write<{ ver: number }>(
      `UPDATE users SET ver = ${nextTokenVersion('ver', '$1::bigint')}, updated_at = $1::bigint WHERE id = $2::uuid
       RETURNING ver`,
      [this.clock.now(), id],
    );
    return user?.ver ?? null;
  }

  /** Stores a costlier hash of the same password. False when another change came first. */
  async replaceHash(user: User, newHash: string): Promise<boolean> {
    const replaced = await this.database.write(
      'UPDATE users SET password_hash = $1 WHERE id = $2::uuid AND password_hash = $3 RETURNING id',
      [newHash, user.id, user.passwordHash],
    );
    return replaced.length === 1;
  }
}
