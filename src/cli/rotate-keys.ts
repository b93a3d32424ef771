import 'reflect-metadata';
import { parseArgs } from 'node:util';
import { NestFactory } from '@nestjs/core';
import dataSource from '../../ormconfig.js';
import { explainAndExit } from '../boot/explain-and-exit.js';
import { openInstalledDatabase, UnusableDatabase } from '../boot/open-database.js';
import { ClockModule } from '../clock/clock.module.js';
import { ConfigModule } from '../config/config.module.js';
import { config } from '../config/process-config.js';
import { DatabaseClock } from '../database/database-clock.js';
import { DatabaseModule } from '../database/database.module.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { SigningKeysModule } from '../signing-keys/signing-keys.module.js';
import { SigningKeysService } from '../signing-keys/signing-keys.service.js';

/**
 * `npm run keys:rotate`: publishes a new signing key, which signs as soon as everybody can know it. With `--at-once`, for
 * a key that somebody else has: it signs now, and access tokens of all others are refused until their clients refresh.
 */
try {
  const { values } = parseArgs({ options: { 'at-once': { type: 'boolean' } } });
  await openInstalledDatabase(config, dataSource);
  const imports = [
    ConfigModule.forRoot(config),
    DatabaseModule.forRoot(dataSource),
    MetricsModule.forRoot(config),
    ClockModule,
    SigningKeysModule,
  ];
  class KeysOnly {}
  const app = await NestFactory.createApplicationContext({ module: KeysOnly, imports }, { logger: ['error', 'warn'] });
  const why = await app.get(DatabaseClock).whyNotAgreed();
  if (why) throw new UnusableDatabase(`keys are dated. ${why}`);
  const keys = app.get(SigningKeysService);
  await (values['at-once'] ? keys.replace() : keys.add());
  const { signer, next } = keys.schedule();
  say(`Signs access tokens: ${signer.kid}`);
  if (next) say(`Published, and signs from ${new Date(next.signsFrom).toISOString()}: ${next.key.kid}`);
  await app.close();
} catch (error) {
  explainAndExit(error);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
