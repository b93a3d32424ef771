import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.js';

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
await app.listen(0, '127.0.0.1');
process.stdout.write(`ready at ${await app.getUrl()}\n`);
