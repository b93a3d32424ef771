import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Accounts1764500200000 implements MigrationInterface {
  name = 'Accounts1764500200000';

  /** SQLite cannot drop a NOT NULL: the table of users is rebuilt (sqlite.org/lang_altertable.html, section 7). */
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE "users_new" (
        "id" varchar PRIMARY KEY NOT NULL,
        "email" varchar(320) NOT NULL,
        "email_canonical" varchar(320) NOT NULL,
        "name" varchar(100),
        "password_hash" varchar(100),
        "roles" text NOT NULL,
        "status" varchar(16) NOT NULL,
        "ver" integer NOT NULL,
        "created_at" bigint NOT NULL,
        "updated_at" bigint NOT NULL,
        "email_verified_at" bigint,
        "locale" varchar(35)
      )
    `);
    await replaceUsers(runner, `SELECT ${OLD_COLUMNS}, NULL, NULL FROM "users"`);
    await runner.query(`ALTER TABLE "sessions" ADD COLUMN "reauthenticated_at" bigint`);
    await runner.query(`
      CREATE TABLE "one_time_tokens" (
        "token_hash" varchar(43) PRIMARY KEY NOT NULL,
        "kind" varchar(24) NOT NULL,
        "user_id" varchar,
        "email" varchar(320) NOT NULL,
        "email_canonical" varchar(320) NOT NULL,
        "details" text,
        "challenge_hash" varchar(43),
        "code_hash" varchar(43),
        "tries" integer NOT NULL,
        "created_at" bigint NOT NULL,
        "expires_at" bigint NOT NULL,
        "used_at" bigint,
        CONSTRAINT "one_time_tokens_user_id_fk" FOREIGN KEY ("user_id") REFERENCES "users" ("id") ON DELETE CASCADE
      )
    `);
    await runner.query(`CREATE INDEX "one_time_tokens_user_id" ON "one_time_tokens" ("user_id")`);
    await runner.query(`CREATE INDEX "one_time_tokens_email_canonical" ON "one_time_tokens" ("email_canonical")`);
    await runner.query(`CREATE INDEX "one_time_tokens_challenge_hash" ON "one_time_tokens" ("challenge_hash")`);
    await runner.query(`CREATE INDEX "one_time_tokens_expires_at" ON "one_time_tokens" ("expires_at")`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE "one_time_tokens"`);
    await runner.query(`ALTER TABLE "sessions" DROP COLUMN "reauthenticated_at"`);
    // The column of the password stays nullable: rebuilding the table would delete the sessions with it, because TypeORM's own
    // command reverts with foreign keys on. A password that nobody knows keeps accounts without one closed.
    await runner.query(`ALTER TABLE "users" DROP COLUMN "locale"`);
    await runner.query(`ALTER TABLE "users" DROP COLUMN "email_verified_at"`);
    await runner.query(`UPDATE "users" SET "password_hash" = '' WHERE "password_hash" IS NULL`);
  }
}

const OLD_COLUMNS =
  '"id", "email", "email_canonical", "name", "password_hash", "roles", "status", "ver", "created_at", "updated_at"';

async function replaceUsers(runner: QueryRunner, rows: string): Promise<void> {
  await runner.query(`INSERT INTO "users_new" ${rows}`);
  await runner.query(`DROP TABLE "users"`);
  await runner.query(`ALTER TABLE "users_new" RENAME TO "users"`);
  await runner.query(`CREATE UNIQUE INDEX "users_email_canonical" ON "users" ("email_canonical")`);
}
