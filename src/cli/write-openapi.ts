/** `npm run openapi`: writes `openapi.json`, without a server and without touching anybody's database. */
import 'reflect-metadata';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from '../app.module.js';
import { appOptions, createAdapter } from '../app.setup.js';
import { createDocument } from '../openapi/document.js';
import { loadConfig } from '../config/load-config.js';
import { createDataSource } from '../data-source.js';
import { migrate } from '../database/migrate.js';

const folder = mkdtempSync(join(tmpdir(), 'latchkey-openapi-'));
const config = loadConfig({
  APP_SECRET: 'only to write the document and never to sign',
  DATABASE_URL: `sqlite:${join(folder, 'empty.sqlite')}`,
  LOG_LEVEL: 'silent',
});
const dataSource = createDataSource(config);
await migrate(dataSource.options);
const root = AppModule.forRoot(config, dataSource);
const options = { ...appOptions, logger: false } as const;
const app = await NestFactory.create<NestFastifyApplication>(root, createAdapter(config), options);
await app.init();
writeFileSync('openapi.json', `${JSON.stringify(createDocument(app, config), null, 2)}\n`);
await app.close();
rmSync(folder, { recursive: true });
