import type { TestApp } from '../app/app.js';

/** Stored data that no route shows. The e-mail addresses come from the tests and need no quoting. */
export class Rows {
  constructor(private readonly test: () => Pick<TestApp, 'dataSource'>) {}

  async hashOf(email: string): Promise<string> {
    const [user] = await this.query<{ hash: string }>(
      `SELECT password_hash AS hash FROM users WHERE email = '${email}'`,
    );
    return user!.hash;
  }

  /** Ids of the sessions that were not revoked, oldest first. */
  async activeSessions(email: string): Promise<string[]> {
    const rows = await this.query<{ id: string }>(
      `SELECT s.id FROM sessions s JOIN users u ON u.id = s.user_id
       WHERE u.email = '${email}' AND s.revoked_at IS NULL ORDER BY s.id`,
    );
    return rows.map(({ id }) => id);
  }

  async disable(email: string): Promise<void> {
    await this.query(`UPDATE users SET status = 'disabled' WHERE email = '${email}'`);
  }

  private query<Row>(sql: string): Promise<Row[]> {
    return this.test().dataSource.query<Row[]>(sql);
  }
}
