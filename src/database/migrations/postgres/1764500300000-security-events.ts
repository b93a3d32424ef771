import type { MigrationInterface, QueryRunner } from 'typeorm';

export class SecurityEvents1764500300000 implements MigrationInterface {
  name = 'SecurityEvents1764500300000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE "security_events" (
        "id" uuid NOT NULL,
        "user_id" uuid NOT NULL,
        "type" character varying(32) NOT NULL,
        "at" bigint NOT NULL,
        "session_id" uuid,
        "ip" character varying(45),
        "user_agent" character varying(256),
        "details" text NOT NULL,
        CONSTRAINT "security_events_pk" PRIMARY KEY ("id")
      )
    `);
    await runner.query(`CREATE INDEX "security_events_user_id" ON "security_events" ("user_id", "id")`);
    // Has a row only inside the transaction that deletes events up to this time.
    await runner.query(`CREATE TABLE "security_events_purge" ("until" bigint NOT NULL)`);
    await runner.query(`
      CREATE FUNCTION "refuse_change_of_security_events"() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF TG_OP = 'DELETE' THEN
          IF EXISTS (SELECT 1 FROM "security_events_purge" WHERE "until" >= OLD."at") THEN
            RETURN OLD;
          END IF;
        END IF;
        RAISE EXCEPTION 'security_events is append-only' USING ERRCODE = 'integrity_constraint_violation';
      END $$
    `);
    await runner.query(`
      CREATE TRIGGER "security_events_append_only" BEFORE UPDATE OR DELETE ON "security_events"
      FOR EACH ROW EXECUTE FUNCTION "refuse_change_of_security_events"()
    `);
    await runner.query(`
      CREATE TRIGGER "security_events_no_truncate" BEFORE TRUNCATE ON "security_events"
      FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change_of_security_events"()
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE "security_events"`);
    await runner.query(`DROP FUNCTION "refuse_change_of_security_events"()`);
    await runner.query(`DROP TABLE "security_events_purge"`);
  }
}
