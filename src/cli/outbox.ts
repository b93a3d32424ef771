/**
 * `npm run outbox -- list [--json]`: the mails that wait, and the dead ones. `npm run outbox -- retry <id>` or
 * `-- retry --all-dead`: dead mails are sent again by the running servers.
 */
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { explainAndExit } from '../boot/explain-and-exit.js';
import { openInstalledDatabase } from '../boot/open-database.js';
import { ClockModule } from '../clock/clock.module.js';
import { ConfigModule } from '../config/config.module.js';
import { readConfigOrExit } from '../config/process-config.js';
import { createDataSource } from '../data-source.js';
import { DatabaseModule } from '../database/database.module.js';
import { OutboxAdmin } from '../mail/outbox-admin.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { OUTBOX_USAGE, readOutboxCommand } from './outbox-command.js';

/** `EX_USAGE` of sysexits.h. */
const EXIT_USAGE = 64;

class OutboxModule {}

const command = readOutboxCommand(process.argv.slice(2)) ?? showUsageAndExit();
const config = readConfigOrExit({ createsSecret: false });
const dataSource = createDataSource(config);
try {
  await openInstalledDatabase(config, dataSource);
  const imports = [
    ConfigModule.forRoot(config),
    DatabaseModule.forRoot(dataSource),
    MetricsModule.forRoot(config),
    ClockModule,
  ];
  const root = { module: OutboxModule, imports, providers: [OutboxAdmin] };
  const app = await NestFactory.createApplicationContext(root, { logger: ['error', 'warn'] });
  const admin = app.get(OutboxAdmin);
  await (command.name === 'list' ? list(admin, command.asJson) : retry(admin, command.id));
  await app.close();
} catch (error) {
  explainAndExit(error);
}

function showUsageAndExit(): never {
  process.stderr.write(OUTBOX_USAGE);
  process.exit(EXIT_USAGE);
}

async function list(admin: OutboxAdmin, asJson: boolean): Promise<void> {
  const entries = await admin.list();
  if (asJson) return print(JSON.stringify(entries, null, 2));
  if (entries.length === 0) return print('No mail waits, and none is dead.');
  for (const { id, state, kind, recipient, attempts, ageSeconds, lastError } of entries) {
    print(
      [id, state, kind, recipient, `${attempts} attempts`, `${ageSeconds} s old`, lastError ?? ''].join('  ').trimEnd(),
    );
  }
}

async function retry(admin: OutboxAdmin, id: string | null): Promise<void> {
  const ids = await admin.retry(id);
  for (const one of ids) print(`Sent again: ${one}`);
  if (ids.length > 0) return;
  print(id === null ? 'No mail is dead.' : `No dead mail has the id ${id}.`);
  if (id !== null) process.exitCode = 1;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
