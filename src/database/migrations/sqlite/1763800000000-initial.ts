import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Initial1763800000000 implements MigrationInterface {
  name = 'Initial1763800000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE "users" (
        "id" varchar PRIMARY KEY NOT NULL,
        "email" varchar(320) NOT NULL,
        "email_canonical" varchar(320) NOT NULL,
        "name" varchar(100),
        "password_hash" varchar(100) NOT NULL,
        "roles" text NOT NULL,
        "status" varchar(16) NOT NULL,
        "ver" integer NOT NULL,
        "created_at" bigint NOT NULL,
        "updated_at" bigint NOT NULL
      )
    `);
    await runner.query(`CREATE UNIQUE INDEX "users_email_canonical" ON "users" ("email_canonical")`);
    await runner.query(`
      CREATE TABLE "sessions" (
        "id" varchar PRIMARY KEY NOT NULL,
        "user_id" varchar NOT NULL,
        "generation" integer NOT NULL,
        "rotated_at" bigint NOT NULL,
        "acknowledged_generation" integer NOT NULL,
        "acknowledged_at" bigint,
        "created_at" bigint NOT NULL,
        "expires_at" bigint NOT NULL,
        "idle_expires_at" bigint NOT NULL,
        "revoked_at" bigint,
        "revoked_reason" varchar(32),
        "purge_on" integer NOT NULL,
        "delivery" varchar(8) NOT NULL DEFAULT 'body',
        "ip" varchar(45) NOT NULL,
        "user_agent" varchar(256) NOT NULL,
        CONSTRAINT "sessions_acknowledged" CHECK (acknowledged_generation <= generation AND (acknowledged_generation = 0) = (acknowledged_at IS NULL)),
        CONSTRAINT "sessions_user_id_fk" FOREIGN KEY ("user_id") REFERENCES "users" ("id") ON DELETE CASCADE
      )
    `);
    await runner.query(`CREATE INDEX "sessions_user_id" ON "sessions" ("user_id")`);
    await runner.query(`CREATE INDEX "sessions_purge_on" ON "sessions" ("purge_on")`);
    await runner.query(`
      CREATE TABLE "revocations" (
        "subject" varchar(50) PRIMARY KEY NOT NULL,
        "ver" integer NOT NULL,
        "until" bigint NOT NULL
      )
    `);
    await runner.query(`CREATE INDEX "revocations_until" ON "revocations" ("until")`);
    await runner.query(`
      CREATE TABLE "keys" (
        "purpose" varchar(32) NOT NULL,
        "sequence" integer NOT NULL,
        "sealed" text NOT NULL,
        "created_at" bigint NOT NULL,
        CONSTRAINT "keys_pk" PRIMARY KEY ("purpose", "sequence")
      )
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE "keys"`);
    await runner.query(`DROP TABLE "revocations"`);
    await runner.query(`DROP TABLE "sessions"`);
    await runner.query(`DROP TABLE "users"`);
  }
}
