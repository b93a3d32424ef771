import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Writes, and then fails in a statement. */
export class BrokenStatement1999999999999 implements MigrationInterface {
  name = 'BrokenStatement1999999999999';
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE TABLE half_done (a integer)');
    await runner.query('INSERT INTO half_done VALUES (1)');
    await runner.query(`UPDATE users SET name = 'half done'`);
    await runner.query('INSERT INTO a_table_that_is_not_there VALUES (1)');
  }
  async down(): Promise<void> {}
}

export class BrokenThrow1999999999999 extends BrokenStatement1999999999999 {
  override name = 'BrokenThrow1999999999999';
  override async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE TABLE half_done (a integer)');
    throw new Error('half-way');
  }
}

/** The code that `migration:generate` writes for SQLite when a column changes: it rebuilds the table. */
export class Rebuild1999999999999 implements MigrationInterface {
  name = 'Rebuild1999999999999';
  async up(runner: QueryRunner): Promise<void> {
    const [{ sql }] = (await runner.query(`SELECT sql FROM sqlite_master WHERE name = 'users'`)) as [{ sql: string }];
    await runner.query(sql.replace('"users"', '"temporary_users"').replace(/\)\s*$/, ', "nick_name" varchar(40))'));
    await runner.query('INSERT INTO temporary_users SELECT *, NULL FROM users');
    await runner.query('DROP TABLE users');
    await runner.query('ALTER TABLE temporary_users RENAME TO users');
  }
  async down(): Promise<void> {}
}

/** Leaves sessions without their users: foreign keys are off during a migration on SQLite. */
export class Orphans1999999999999 implements MigrationInterface {
  name = 'Orphans1999999999999';
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('DELETE FROM users');
  }
  async down(): Promise<void> {}
}

export class Slow1999999999999 implements MigrationInterface {
  name = 'Slow1999999999999';
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('SELECT pg_sleep(0.5)');
  }
  async down(): Promise<void> {}
}
