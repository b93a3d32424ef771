import type { MigrationInterface, QueryRunner } from 'typeorm';

export class SecurityEvents1764500300000 implements MigrationInterface {
  name = 'SecurityEvents1764500300000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE "security_events" (
        "id" varchar PRIMARY KEY NOT NULL,
        "user_id" varchar NOT NULL,
        "type" varchar(32) NOT NULL,
        "at" bigint NOT NULL,
        "session_id" varchar,
        "ip" varchar(45),
        "user_agent" varchar(256),
        "details" text NOT NULL
      ) WITHOUT ROWID
    `);
    await runner.query(`CREATE INDEX "security_events_user_id" ON "security_events" ("user_id", "id")`);
    // Has a row only inside the transaction that deletes events up to this time.
    await runner.query(`CREATE TABLE "security_events_purge" ("until" bigint NOT NULL)`);
    await runner.query(`
      CREATE TRIGGER "security_events_no_update" BEFORE UPDATE ON "security_events"
      BEGIN SELECT RAISE(ABORT, 'security_events is append-only'); END
    `);
    // REPLACE deletes the old row without a trigger for that. Without a rowid it can only find it by its id.
    await runner.query(`
      CREATE TRIGGER "security_events_no_replace" BEFORE INSERT ON "security_events"
      WHEN EXISTS (SELECT 1 FROM "security_events" WHERE "id" = NEW."id")
      BEGIN SELECT RAISE(ABORT, 'security_events is append-only'); END
    `);
    await runner.query(`
      CREATE TRIGGER "security_events_no_delete" BEFORE DELETE ON "security_events"
      WHEN NOT EXISTS (SELECT 1 FROM "security_events_purge" WHERE "until" >= OLD."at")
      BEGIN SELECT RAISE(ABORT, 'security_events is append-only'); END
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE "security_events"`);
    await runner.query(`DROP TABLE "security_events_purge"`);
  }
}
