import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Outbox1764500100000 implements MigrationInterface {
  name = 'Outbox1764500100000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE "outbox" (
        "id" uuid NOT NULL,
        "kind" character varying(64) NOT NULL,
        "event" character varying(255) NOT NULL,
        "recipient" character varying(320) NOT NULL,
        "mailbox" character varying(320) NOT NULL,
        "domain" character varying(320) NOT NULL,
        "payload" text,
        "state" character varying(8) NOT NULL,
        "attempts" integer NOT NULL,
        "next_attempt_at" bigint NOT NULL,
        "give_up_at" bigint NOT NULL,
        "budget" character varying(16),
        "budgeted_at" bigint,
        "created_at" bigint NOT NULL,
        "done_at" bigint,
        "purge_at" bigint,
        "last_error" character varying(100),
        CONSTRAINT "outbox_pk" PRIMARY KEY ("id")
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
        "id" uuid NOT NULL,
        "recipient" character varying(320) NOT NULL,
        "subject" text NOT NULL,
        "text" text NOT NULL,
        "html" text NOT NULL,
        "created_at" bigint NOT NULL,
        CONSTRAINT "dev_mails_pk" PRIMARY KEY ("id")
      )
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE "dev_mails"`);
    await runner.query(`DROP TABLE "outbox"`);
  }
}
