import { setTimeout as pause } from 'node:timers/promises';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';

/** How long clients have to move to another worker, with their next request. */
const HAND_OVER_MS = 2000;

export interface GracefulShutdown {
  /** @param reason for the log */
  stop: (reason: string) => void;
  /** The same, but another worker serves already: no request is refused. */
  handOver: (reason: string) => void;
}

/**
 * Graceful shutdown on SIGTERM or SIGINT: completes in-flight requests, accepts no new ones, writes what is buffered, and
 * exits with 0; with 1 when that fails, and at the deadline.
 *
 * @param atEnd runs after everything else has stopped
 */
export function gracefulShutdown(
  app: NestFastifyApplication,
  deadlineMs: number,
  atEnd: () => Promise<void> = async () => {},
): GracefulShutdown {
  const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  const { log, logDestination } = fastify;
  let stopping = false;
  const close = async () => {
    try {
      await app.close();
      await atEnd();
      return 0;
    } catch (error) {
      log.error({ err: error }, 'Could not stop cleanly');
      return 1;
    }
  };
  const stop = async (reason: string, beforeClose: () => Promise<void>) => {
    if (stopping) return;
    stopping = true;
    log.info(`${reason}: stopping`);
    setTimeout(() => {
      log.error(`Not stopped after ${deadlineMs} ms: exiting`);
      process.exit(1);
    }, deadlineMs).unref();
    await beforeClose();
    const code = await close();
    // A full buffer would drop the last line.
    await logDestination.flush();
    log.info('Stopped');
    await logDestination.flush();
    process.exit(code);
  };
  const handOver = async () => {
    fastify.handOver();
    await pause(Math.min(HAND_OVER_MS, deadlineMs / 3));
  };
  const shutdown: GracefulShutdown = {
    stop: (reason) => void stop(reason, async () => {}),
    handOver: (reason) => void stop(reason, handOver),
  };
  // One bug must not end the requests of all users (OWASP ASVS 5.0 16.5.4).
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'unhandled rejection'));
  process.on('SIGTERM', shutdown.stop);
  process.on('SIGINT', shutdown.stop);
  return shutdown;
}
