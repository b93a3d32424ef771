import { isatty } from 'node:tty';
import type { FastifyInstance, FastifyRequest, FastifyServerOptions } from 'fastify';
import pretty from 'pino-pretty';
import type { Config } from '../config/config.js';
import { observe } from './observe.js';

/**
 * JSON lines on stdout (asking `process.stdout` for anything would make it non-blocking), or text where somebody is
 * looking at a terminal. Nothing that a caller sends is logged but the method and the route's pattern: not the query, not
 * a header, not a body. Errors are logged by name, message, code and stack: the parameters of a failed database statement
 * stay out.
 */
export function loggerOptions(config: Config): NonNullable<FastifyServerOptions['logger']> {
  return {
    level: config.logLevel,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: describeError, req: (request: FastifyRequest) => ({ method: request.method }) },
    // In this thread, so that its lines and those of the start keep their order.
    ...(isatty(1) && !config.isProduction && { stream: pretty({ singleLine: true, sync: true }) }),
  };
}

/** One line for each request, `aborted` where its client went away, and its id in the answer. */
export function logRequests(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', async (request, reply) => {
    void reply.header('x-request-id', request.id);
  });
  // Asked for once, Node knows it for good: a client that has gone has no address any more.
  fastify.server.on('connection', (socket) => void socket.remoteAddress);
  observe(fastify, (request, reply) => {
    const { ip } = request;
    return (aborted) => {
      const caller = (request as { user?: { userId?: string; sessionId?: string } }).user;
      request.log.info(
        {
          method: request.method,
          route: request.routeOptions.url ?? null,
          status: reply.statusCode,
          ms: Math.round(reply.elapsedTime * 10) / 10,
          ip,
          ...(aborted && { aborted }),
          ...(caller?.sessionId && { userId: caller.userId, sessionId: caller.sessionId }),
        },
        'request',
      );
    };
  });
}

/** A type, not an interface: Fastify wants something with an index signature. */
type LoggedError = {
  type: string;
  message: string;
  code?: unknown;
  stack: string;
  cause?: LoggedError;
};

export function describeError(error: unknown, depth: number = 0): LoggedError {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error), stack: '' };
  const driver = (error as { driverError?: { code?: unknown } }).driverError;
  return {
    type: error.name,
    message: error.message,
    code: (error as { code?: unknown }).code ?? driver?.code,
    stack: error.stack ?? '',
    ...(error.cause !== undefined && depth < 3 && { cause: describeError(error.cause, depth + 1) }),
  };
}
