import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import {
  LogController,
  type FastifyError,
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
import { loggerOptions } from './request-log.js';
import { SECURITY_HEADERS } from './security-headers.js';

/**
 * How long a request may take to arrive. Node looks for those that are over now and then, and not at all where its own
 * limit for the head is the longer one; Fastify sets its option last.
 */
const SLOW_SENDERS = { headersTimeout: 10_000, requestTimeout: 20_000, connectionsCheckingInterval: 2000 };

/** What Fastify has to know before it exists: log, limits, whom to believe, and the errors that never reach Nest. */
export function serverOptions(config: Config): FastifyHttpOptions<RawServerDefault> {
  return {
    logger: loggerOptions(config),
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_LIMIT,
    trustProxy: believed(config.trustProxy),
    requestIdHeader: false,
    genReqId: () => randomUUID(),
    forceCloseConnections: 'idle',
    // While stopping, `Drain` refuses requests, in the form of every other refusal.
    return503OnClosing: false,
    // Node would answer a request without a Host by itself, outside the contract: `refuseMissingHost`.
    http: { requireHostHeader: false, ...SLOW_SENDERS },
    requestTimeout: SLOW_SENDERS.requestTimeout,
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
      void reply.headers({ ...SECURITY_HEADERS, 'x-request-id': request.id });
      sendProblem(error, request, reply, []);
    },
    clientErrorHandler: respondToUnreadable,
  };
}

/** A number means: the last n addresses were written by proxies of ours. */
function believed(trust: TrustProxy): boolean | string[] | ((address: string, hop: number) => boolean) {
  return typeof trust === 'number' ? (_address, hop) => hop < trust : trust;
}

/** A request that Node's parser could not read: there is no request object, only a socket. */
function respondToUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return;
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
