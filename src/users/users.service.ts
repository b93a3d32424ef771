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

  /** Makes an active user without roles; null when the address has an account already. */
  async create(
    { email, name, passwordHash }: { email: EmailAddress; name: string | null; passwordHash: string },
    transaction: Statements,
  ): Promise<SignInUser | null> {
    const now = this.clock.now();
    const [user] = await transaction.write<{ id: string; ver: number }>(
      `INSERT INTO users
         (id, email, email_canonical, name, password_hash, roles, status, ver, created_at, updated_at)
       VALUES ($1::uuid, $2, $3, $4, $5, '[]', 'active', ${nextTokenVersion('0', '$6::bigint')}, $6::bigint, $6::bigint)
       ON CONFLICT (email_canonical) DO NOTHING
       RETURNING id, ver`,
      [uuidv7(), email.address, email.canonical, name, passwordHash, now],
    );
    return user ? { id: user.id, tokenVersion: user.ver } : null;
  }

  /** The user after the change; null when there is none. */
  async rename(id: string, name: string | null): Promise<User | null> {
    await this.database.write('UPDATE users SET name = $1, updated_at = $2::bigint WHERE id = $3::uuid', [
      name,
      this.clock.now(),
      id,
    ]);
    return this.findById(id);
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
