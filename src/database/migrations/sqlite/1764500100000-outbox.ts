import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Outbox1764500100000 implements MigrationInterface {
  name = 'Outbox1764500100000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE "outbox" (
        "id" varchar PRIMARY KEY NOT NULL,
        "kind" varchar(64) NOT NULL,
        "event" varchar(255) NOT NULL,
        "recipient" varchar(320) NOT NULL,
        "mailbox" varchar(320) NOT NULL,
        "domain" varchar(320) NOT NULL,
        "payload" text,
        "state" varchar(8) NOT NULL,
        "attempts" integer NOT NULL,
        "next_attempt_at" bigint NOT NULL,
        "give_up_at" bigint NOT NULL,
        "budget" varchar(16),
        "budgeted_at" bigint,
        "created_at" bigint NOT NULL,
        "done_at" bigint,
        "purge_at" bigint,
        "last_error" varchar(100)
      )
    `);
    await runner.query(`CREATE UNIQUE INDEX "outbox_kind_event" ON "outbox" ("kind", "event")`);
    await runner.query(`CREATE INDEX "outbox_due" ON "outbox" ("state", "next_attempt_at")`);
    await runner.query(`CREATE INDEX "outbox_mailbox" ON "outbox" ("mailbox", "budget", "budgeted_at")`);
    await runner.query(`CREATE INDEX "outbox_domain" ON "outbox" ("domain", "budgeted_at")`);
    await runner.query(`CREATE INDEX "outbox_budgeted_at" ON "outbox" ("budgeted_at")`);
    await runner.query(`CREATE INDEX "outbox_purge_at" ON "outbox" ("purge_at")`);
    await runner.query(`
      CREATE TABLE "dev_mails" (
        "id" varchar PRIMARY KEY NOT NULL,
        "recipient" varchar(320) NOT NULL,
        "subject" text NOT NULL,
        "text" text NOT NULL,
        "html" text NOT NULL,
        "created_at" bigint NOT NULL
      )
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE "dev_mails"`);
    await runner.query(`DROP TABLE "outbox"`);
  }
}
