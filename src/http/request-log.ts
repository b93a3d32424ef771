import { isatty } from 'node:tty';
import type { FastifyRequest, FastifyServerOptions } from 'fastify';
import fp from 'fastify-plugin';
import pretty from 'pino-pretty';
import type { Config } from '../config/config.js';
import { clientAddress } from './client-address.js';
import type { LogDestination } from './log-destination.js';

/** Whom a request is about. */
interface LogSubject {
  userId: string;
  sessionId: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    logSubject: LogSubject | null;
    /** The code of the problem that the request was refused with. */
    problemCode: string | null;
  }
}

/**
 * JSON lines, or text on a terminal. Of what a caller sends, only the method and the pattern of the route are logged: no
 * query, no header, no body. Errors are logged by name, message, code and stack, without the parameters of a failed
 * database statement.
 *
 * @param worker its number, where there are several: every line has it
 */
export function loggerOptions(
  config: Config,
  destination: LogDestination,
  worker?: number,
): Exclude<NonNullable<FastifyServerOptions['logger']>, boolean> {
  const isForPeople = isatty(1) && !config.isProduction;
  return {
    level: config.logLevel,
    base: worker === undefined ? null : { worker },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: describeError, req: (request: FastifyRequest) => ({ method: request.method }) },
    // In this thread, so that its lines and those of the start keep their order.
    stream: isForPeople ? pretty({ singleLine: true, sync: true }) : destination,
  };
}

/** Puts user and session into the log line of the request. */
export function setLogSubject(request: FastifyRequest, subject: LogSubject): void {
  request.logSubject = subject;
}

/** The id of the log line, for the client. */
export const requestId = fp(
  (fastify, _options, done) => {
    fastify.addHook('onRequest', (request, reply, next) => {
      void reply.header('x-request-id', request.id);
      next();
    });
    done();
  },
  { name: 'request-id' },
);

/** One line for each request, `aborted` where its client disconnected. */
export const requestLog = fp(
  (fastify, _options, done) => {
    fastify.decorateRequest('logSubject', null);
    fastify.decorateRequest('problemCode', null);
    // Node remembers the address once it is read: a client that has disconnected has none.
    fastify.server.on('connection', (socket) => void socket.remoteAddress);
    fastify.onCompletion((request, reply, aborted) => {
      const { logSubject: subject } = request;
      request.log.info(
        {
          method: request.method,
          route: request.routeOptions.url ?? null,
          status: reply.statusCode,
          ...(request.problemCode && { code: request.problemCode }),
          ms: Math.round(reply.elapsedTime * 10) / 10,
          ip: clientAddress(request),
          ...(aborted && { aborted }),
          ...(subject && { userId: subject.userId, sessionId: subject.sessionId }),
        },
        'request',
      );
    });
    done();
  },
  { name: 'request-log', dependencies: ['request-completion'] },
);

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
