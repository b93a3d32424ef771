import type { MigrationInterface, QueryRunner } from 'typeorm';

export class SessionsDelivery1764000000000 implements MigrationInterface {
  name = 'SessionsDelivery1764000000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE "sessions" ADD COLUMN "delivery" character varying(8) NOT NULL DEFAULT 'body'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE "sessions" DROP COLUMN "delivery"`);
  }
}
