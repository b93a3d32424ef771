/**
 * `npm run keys:rotate`: publishes a new signing key, which signs once every verifier can know it. `--at-once` is for a
 * compromised key: the new key signs now, and access tokens of all others are refused until their clients refresh.
 */
import 'reflect-metadata';
import { parseArgs } from 'node:util';
import { NestFactory } from '@nestjs/core';
import { explainAndExit } from '../boot/explain-and-exit.js';
import { openInstalledDatabase, UnusableDatabaseError } from '../boot/open-database.js';
import { ClockModule } from '../clock/clock.module.js';
import { ConfigModule } from '../config/config.module.js';
import { readConfigOrExit } from '../config/process-config.js';
import { createDataSource } from '../data-source.js';
import { DatabaseClock } from '../database/database-clock.js';
import { DatabaseModule } from '../database/database.module.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { SigningKeysModule } from '../signing-keys/signing-keys.module.js';
import { SigningKeysService } from '../signing-keys/signing-keys.service.js';

class KeysModule {}

const config = readConfigOrExit({ createsSecret: false });
const dataSource = createDataSource(config);
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
  const root = { module: KeysModule, imports };
  const app = await NestFactory.createApplicationContext(root, { logger: ['error', 'warn'] });
  const why = await app.get(DatabaseClock).whyNotAgreed();
  if (why) throw new UnusableDatabaseError(why);
  const keys = app.get(SigningKeysService);
  await (values['at-once'] ? keys.replace() : keys.add());
  const { signer, next } = keys.schedule();
  print(`Signs access tokens: ${signer.kid}`);
  if (next) print(`Published, and signs from ${new Date(next.signsFrom).toISOString()}: ${next.key.kid}`);
  await app.close();
} catch (error) {
  explainAndExit(error);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
