import type { FastifyBaseLogger, FastifyRequest, FastifyServerOptions } from 'fastify';
import fp from 'fastify-plugin';
import type { Config } from '../config/config.js';
import { clientAddress } from './client-address.js';
import type { LogDestination } from './log-destination.js';
import type { CompletedRequest } from './request-completion.js';

const INFO_AND_BELOW = new Set(['trace', 'debug', 'info']);
const quote = JSON.stringify;
/** Routes as JSON: there are as many as the application has. */
const quotedRoutes = new Map<string | null, string>();

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
  return {
    level: config.logLevel,
    base: worker === undefined ? null : { worker },
    timestamp: () => `,"time":"${isoNow()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: describeError, req: (request: FastifyRequest) => ({ method: request.method }) },
    stream: destination,
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
export const requestLog = fp<{ logDestination: LogDestination }>(
  (fastify, { logDestination }, done) => {
    fastify.decorateRequest('logSubject', null);
    fastify.decorateRequest('problemCode', null);
    // Node remembers the address once it is read: a client that has disconnected has none.
    fastify.server.on('connection', (socket) => void socket.remoteAddress);
    if (INFO_AND_BELOW.has(fastify.log.level)) {
      const bindings = bindingsOf(fastify.log);
      fastify.onCompletion((completed) => logDestination.writeSoon(requestLine(completed, bindings)));
    }
    done();
  },
  { name: 'request-log', dependencies: ['request-completion'] },
);

/**
 * The line as pino would write it, in a third of the time. Method, id, code and address come from this program or from
 * parsers that allow no character with a meaning in JSON.
 */
function requestLine({ request, reply, route, ms, aborted }: CompletedRequest, bindings: string): string {
  const { logSubject: subject, problemCode } = request;
  const code = !problemCode ? '' : `,"code":"${problemCode}"`;
  const user = !subject ? '' : `,"userId":${quote(subject.userId)},"sessionId":${quote(subject.sessionId)}`;
  return (
    `{"level":"info","time":"${isoNow()}"${bindings},"reqId":"${request.id}","method":"${request.method}"` +
    `,"route":${quotedRoute(route)},"status":${reply.statusCode}${code},"ms":${Math.round(ms * 10) / 10}` +
    `,"ip":"${clientAddress(request)}"${aborted ? ',"aborted":true' : ''}${user},"msg":"request"}\n`
  );
}

/** What every line of a logger of pino has, like the number of the worker: JSON members, with a comma before each. */
function bindingsOf(logger: FastifyBaseLogger): string {
  const { bindings } = logger as FastifyBaseLogger & { bindings?: () => object };
  const members = quote(bindings?.call(logger) ?? {}).slice(1, -1);
  return members === '' ? '' : `,${members}`;
}

function quotedRoute(route: string | null): string {
  const known = quotedRoutes.get(route) ?? quote(route);
  quotedRoutes.set(route, known);
  return known;
}

let textAt = 0;
let text = '';

/** The time in ISO 8601, which is written out once in a millisecond. */
function isoNow(): string {
  const now = Date.now();
  if (now !== textAt) {
    textAt = now;
    text = new Date(now).toISOString();
  }
  return text;
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
