import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Accounts1764500200000 implements MigrationInterface {
  name = 'Accounts1764500200000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE "users" ALTER COLUMN "password_hash" DROP NOT NULL`);
    await runner.query(`ALTER TABLE "users" ADD "email_verified_at" bigint`);
    await runner.query(`ALTER TABLE "users" ADD "locale" character varying(35)`);
    await runner.query(`ALTER TABLE "sessions" ADD "reauthenticated_at" bigint`);
    await runner.query(`
      CREATE TABLE "one_time_tokens" (
        "token_hash" character varying(43) NOT NULL,
        "kind" character varying(24) NOT NULL,
        "user_id" uuid,
        "email" character varying(320) NOT NULL,
        "email_canonical" character varying(320) NOT NULL,
        "details" text,
        "challenge_hash" character varying(43),
        "code_hash" character varying(43),
        "tries" integer NOT NULL,
        "created_at" bigint NOT NULL,
        "expires_at" bigint NOT NULL,
        "used_at" bigint,
        CONSTRAINT "one_time_tokens_pk" PRIMARY KEY ("token_hash"),
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
    await runner.query(`ALTER TABLE "users" DROP COLUMN "locale"`);
    await runner.query(`ALTER TABLE "users" DROP COLUMN "email_verified_at"`);
    // A password that nobody knows keeps accounts without one closed.
    await runner.query(`UPDATE "users" SET "password_hash" = '' WHERE "password_hash" IS NULL`);
    await runner.query(`ALTER TABLE "users" ALTER COLUMN "password_hash" SET NOT NULL`);
  }
}
