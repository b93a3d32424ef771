import type { MigrationInterface, QueryRunner } from 'typeorm';

export class RevocationsUntil1763900000000 implements MigrationInterface {
  name = 'RevocationsUntil1763900000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE INDEX "revocations_until" ON "revocations" ("until")`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX "revocations_until"`);
  }
}
