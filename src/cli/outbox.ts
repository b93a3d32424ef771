/**
 * `npm run outbox -- list [--json]`: the mails that wait, and the dead ones. `npm run outbox -- retry <id>` or
 * `-- retry --all-dead`: dead mails are sent again by the running servers.
 */
import 'reflect-metadata';
import { parseArgs } from 'node:util';
import { NestFactory } from '@nestjs/core';
import { validate } from 'uuid';
import { explainAndExit } from '../boot/explain-and-exit.js';
import { openInstalledDatabase } from '../boot/open-database.js';
import { ClockModule } from '../clock/clock.module.js';
import { ConfigModule } from '../config/config.module.js';
import { readConfigOrExit } from '../config/process-config.js';
import { createDataSource } from '../data-source.js';
import { DatabaseModule } from '../database/database.module.js';
import { OutboxAdmin } from '../mail/outbox-admin.js';
import { MetricsModule } from '../metrics/metrics.module.js';

type Command = { name: 'list'; asJson: boolean } | { name: 'retry'; id: string | null };

/** `EX_USAGE` of sysexits.h. */
const EXIT_USAGE = 64;
const USAGE = `Usage:
  npm run outbox -- list [--json]
  npm run outbox -- retry <id>
  npm run outbox -- retry --all-dead
`;

class OutboxModule {}

const command = readCommandOrExit();
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

function readCommandOrExit(): Command {
  try {
    const options = { json: { type: 'boolean' }, 'all-dead': { type: 'boolean' } } as const;
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    const [name, id, ...more] = positionals;
    const { json = false, 'all-dead': isAll = false } = values;
    if (name === 'list' && id === undefined && !isAll) return { name, asJson: json };
    const isOne = id !== undefined && validate(id) && more.length === 0;
    if (name === 'retry' && !json && (isAll ? id === undefined : isOne)) return { name, id: id ?? null };
  } catch {
    // An unknown option.
  }
  process.stderr.write(USAGE);
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
