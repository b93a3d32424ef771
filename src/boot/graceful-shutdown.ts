import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import type { Drain } from '../http/drain.js';

/**
 * On SIGTERM or SIGINT: answers what was accepted, accepts nothing new, writes what is still to be written, and exits
 * with 0; with 1 if that takes longer than the deadline.
 */
export function gracefulShutdown(app: NestFastifyApplication, drain: Drain, deadlineMs: number): void {
  const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  const log: FastifyBaseLogger = fastify.log;
  let stopping = false;

  const stop = async (signal: NodeJS.Signals) => {
    if (stopping) return;
    stopping = true;
    log.info(`${signal}: stopping`);
    setTimeout(() => {
      log.error(`Not stopped after ${deadlineMs} ms: exiting`);
      process.exit(1);
    }, deadlineMs).unref();

    drain.begin();
    // What arrived before is read first, and answered: to close a connection is to lose what nobody has read yet.
    await new Promise(setImmediate);
    await app.close();
    log.info('Stopped');
    process.exit(0);
  };
  // A bug in one place must not end everybody's requests (OWASP ASVS 5.0 16.5.4).
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'unhandled rejection'));
  process.on('SIGTERM', (signal) => void stop(signal));
  process.on('SIGINT', (signal) => void stop(signal));
}
