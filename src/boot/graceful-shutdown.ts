import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';

/**
 * Graceful shutdown on SIGTERM or SIGINT: completes in-flight requests, accepts no new ones, writes what is buffered, and
 * exits with 0; with 1 when that fails, and at the deadline.
 */
export function gracefulShutdown(app: NestFastifyApplication, deadlineMs: number): void {
  const { log, logDestination } = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  let stopping = false;

  const stop = async (signal: NodeJS.Signals) => {
    if (stopping) return;
    stopping = true;
    log.info(`${signal}: stopping`);
    setTimeout(() => {
      log.error(`Not stopped after ${deadlineMs} ms: exiting`);
      process.exit(1);
    }, deadlineMs).unref();

    const code = await app.close().then(
      () => 0,
      (error: unknown) => {
        log.error({ err: error }, 'Could not stop cleanly');
        return 1;
      },
    );
    // A full buffer would drop the last line.
    await logDestination.flush();
    log.info('Stopped');
    await logDestination.flush();
    process.exit(code);
  };
  // One bug must not end the requests of all users (OWASP ASVS 5.0 16.5.4).
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'unhandled rejection'));
  process.on('SIGTERM', (signal) => void stop(signal));
  process.on('SIGINT', (signal) => void stop(signal));
}
