import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type EntityManager, Repository } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { Clock } from '../clock/clock.js';
import { Database } from '../database/database.js';
import type { EmailAddress } from './email.js';
import { User } from './user.entity.js';

/** What a sign-in needs to know of a user. */
export type NewUser = Pick<User, 'id' | 'ver' | 'roles'>;

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

  /** Makes an active user without roles; null when the address has an account. */
  async create(
    email: EmailAddress,
    name: string | null,
    passwordHash: string,
    manager: EntityManager,
  ): Promise<NewUser | null> {
    const [user] = await this.database.rows<{ id: string; ver: number }>(
      `INSERT INTO users
         (id, email, email_canonical, name, password_hash, roles, status, ver, created_at, updated_at)
       VALUES ($1::uuid, $2, $3, $4, $5, '[]', 'active', 1, $6::bigint, $7::bigint)
       ON CONFLICT (email_canonical) DO NOTHING
       RETURNING id, ver`,
      [uuidv7(), email.address, email.canonical, name, passwordHash, this.clock.now(), this.clock.now()],
      manager,
    );
    return user ? { ...user, roles: [] } : null;
  }

  /** The user after the change; null when there is none. */
  async rename(id: string, name: string | null): Promise<User | null> {
    await this.database.rows('UPDATE users SET name = $1, updated_at = $2::bigint WHERE id = $3::uuid', [
      name,
      this.clock.now(),
      id,
    ]);
    return this.findById(id);
  }

  /**
   * Sets a new password if the user is still as they were when the old one was checked, and makes older access tokens
   * out of date. Locks the user's row until the transaction ends. Answers the new `ver`, or null when somebody was faster.
   */
  async changePassword(user: User, newHash: string, manager: EntityManager): Promise<NewUser | null> {
    const [changed] = await this.database.rows<{ ver: number }>(
      `UPDATE users SET password_hash = $1, ver = ver + 1, updated_at = $2::bigint
       WHERE id = $3::uuid AND ver = $4::integer AND status = 'active'
       RETURNING ver`,
      [newHash, this.clock.now(), user.id, user.ver],
      manager,
    );
    return changed ? { id: user.id, roles: user.roles, ver: changed.ver } : null;
  }

  /** Makes older access tokens out of date. Locks the user's row. Answers the new `ver`, or null when there is no such user. */
  async raiseVer(id: string, manager: EntityManager): Promise<number | null> {
    const [user] = await this.database.rows<{ ver: number }>(
      'UPDATE users SET ver = ver + 1, updated_at = $1::bigint WHERE id = $2::uuid RETURNING ver',
      [this.clock.now(), id],
      manager,
    );
    return user?.ver ?? null;
  }

  /** The same password under a costlier hash: nothing changes for anybody. False when somebody was faster. */
  async replaceHash(user: User, newHash: string): Promise<boolean> {
    const replaced = await this.database.rows(
      'UPDATE users SET password_hash = $1 WHERE id = $2::uuid AND password_hash = $3 RETURNING id',
      [newHash, user.id, user.passwordHash],
    );
    return replaced.length === 1;
  }
}
