import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import {
  LogController,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyHttpOptions,
  type RawServerDefault,
} from 'fastify';
import type { Config } from '../config/config.js';
import type { TrustProxy } from '../config/trust-proxy.js';
import { Problem } from '../problem/problem.js';
import { sendProblem } from '../problem/problem.filter.js';
import type { ProblemCode } from '../problem/catalogue.js';
import { BODY_LIMIT } from './body-parsers.js';
import type { LogDestination } from './log-destination.js';
import { loggerOptions } from './request-log.js';
import { RequestLogger } from './request-logger.js';
import { SECURITY_HEADERS, SecuredResponse } from './security-headers.js';

/** A connection on which nothing is sent or read is closed after once to twice this time: it ends clients that do not read. */
const CONNECTION_TIMEOUT_MS = 30_000;
/** How long a request may take to arrive. Node enforces neither limit where `headersTimeout` is the longer one. */
const SLOW_SENDERS = { headersTimeout: 10_000, requestTimeout: 20_000, connectionsCheckingInterval: 2000 };

/** What Fastify must know when it is created: log, limits, trusted proxies, and the errors that never reach Nest. */
export function serverOptions(
  config: Config,
  logDestination: LogDestination,
  worker?: number,
): FastifyHttpOptions<RawServerDefault> {
  return {
    logger: loggerOptions(config, logDestination, worker),
    childLoggerFactory: (parent, bindings, options) => new RequestLogger(parent, bindings, options),
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_LIMIT,
    trustProxy: trusted(config.trustProxy),
    requestIdHeader: false,
    genReqId: () => randomUUID(),
    // `connectionDraining` refuses requests as a problem.
    return503OnClosing: false,
    // `strictRequests` refuses a missing Host as a problem.
    http: { requireHostHeader: false, ServerResponse: SecuredResponse, ...SLOW_SENDERS },
    requestTimeout: SLOW_SENDERS.requestTimeout,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
      void reply.header('x-request-id', request.id);
      sendProblem(error, request, reply);
    },
    clientErrorHandler: respondToUnreadable,
  };
}

/** A number n: our own proxies wrote the last n addresses. */
function trusted(trust: TrustProxy): boolean | string[] | ((address: string, hop: number) => boolean) {
  return typeof trust === 'number' ? (_address, hop) => hop < trust : trust;
}

/** For requests that Node's parser cannot read: there is no request object, only a socket. */
function respondToUnreadable(this: FastifyInstance, error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET') return;
  this.afterResponses(socket, () => sendUnreadable(error, socket));
}

function sendUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (socket.destroyed || !socket.writable) return;
  const problem = new Problem(UNREADABLE[error.code ?? ''] ?? 'malformed_request');
  const id = randomUUID();
  const body = JSON.stringify(problem.toBody(id));
  const headers = {
    ...SECURITY_HEADERS,
    ...problem.toHeaders(),
    'x-request-id': id,
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${problem.status} Error\r\n${lines.join('')}\r\n${body}`);
}

const UNREADABLE: Record<string, ProblemCode> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
};
