import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from './problem.js';
import { ErrorTranslators } from './to-problem.js';

export interface Refusal {
  status: number;
  headers: Record<string, string>;
  body: object;
  /** For the log. */
  code: string;
}

/** Route option of the few routes whose error responses have another form, because a standard says so. */
interface OwnRefusals {
  /** `problem` is the response of any other route; null sends it. */
  refuse?: (error: unknown, problem: Problem) => Refusal | null;
}

/** Responds to every error with `application/problem+json`, unless its route has a form of its own. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly translators: ErrorTranslators) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    sendProblem(error, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>(), this.translators);
  }
}

/** Logs errors of the server (5xx) with their cause. */
export function sendProblem(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  translators: ErrorTranslators = new ErrorTranslators([]),
): void {
  const problem = hasDisconnected(request) ? new Problem('malformed_request') : translators.toProblem(error);
  const { refuse } = (request.routeOptions?.config ?? {}) as OwnRefusals;
  const own = refuse?.(error, problem);
  if (!own && problem.status >= 500) {
    request.log.error({ err: problem.cause ?? problem, code: problem.code }, 'request failed');
  }
  const refusal = own ?? toRefusal(problem, request.id);
  request.problemCode = refusal.code;
  if (reply.sent) return;
  reply.code(refusal.status).headers(refusal.headers).send(JSON.stringify(refusal.body));
}

function toRefusal(problem: Problem, requestId: string): Refusal {
  return {
    status: problem.status,
    headers: problem.toHeaders(),
    body: problem.toBody(requestId),
    code: problem.code,
  };
}

/** A client that disconnects while it sends its body is the cause of every error that follows. */
function hasDisconnected({ raw }: FastifyRequest): boolean {
  return raw.destroyed && !raw.complete;
}
