import type { MigrationInterface, QueryRunner } from 'typeorm';

export class RateLimits1764500000000 implements MigrationInterface {
  name = 'RateLimits1764500000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE "rate_limits" (
        "key" varchar(22) PRIMARY KEY NOT NULL,
        "points" integer NOT NULL,
        "expires_at" bigint NOT NULL
      )
    `);
    await runner.query(`CREATE INDEX "rate_limits_expires_at" ON "rate_limits" ("expires_at")`);
    await runner.query(`
      CREATE TABLE "password_throttles" (
        "key" varchar(22) PRIMARY KEY NOT NULL,
        "failures" integer NOT NULL,
        "last_attempt_at" bigint NOT NULL
      )
    `);
    await runner.query(
      `CREATE INDEX "password_throttles_failures" ON "password_throttles" ("failures", "last_attempt_at")`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE "password_throttles"`);
    await runner.query(`DROP TABLE "rate_limits"`);
  }
}
