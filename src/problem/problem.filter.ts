import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from './problem.js';
import { toProblem, type Translator } from './to-problem.js';

export interface Refusal {
  status: number;
  headers: Record<string, string>;
  body: object;
}

/** Route option of the few routes whose refusals have a form of their own, because a standard says so. */
export interface OwnRefusals {
  /** `problem` is what any other route would say; null leaves it at that. */
  refuse?: (error: unknown, problem: Problem) => Refusal | null;
}

/**
 * Answers every error as `application/problem+json`, unless its route has a form of its own. Errors of ours (5xx) are
 * logged with their cause.
 */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  /** @param before whatever else an answer to a problem takes along, in its headers */
  constructor(
    private readonly translators: readonly Translator[],
    private readonly before: (problem: Problem, request: FastifyRequest, reply: FastifyReply) => void = () => {},
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    sendProblem(error, request, reply, this.translators, this.before);
  }
}

export function sendProblem(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  translators: readonly Translator[],
  before: (problem: Problem, request: FastifyRequest, reply: FastifyReply) => void = () => {},
): void {
  const problem = isGone(request) ? new Problem('malformed_request') : toProblem(error, translators);
  const { refuse } = (request.routeOptions?.config ?? {}) as OwnRefusals;
  const own = refuse?.(error, problem);
  if (!own && problem.status >= 500) {
    request.log.error({ err: problem.cause ?? problem, code: problem.code }, 'request failed');
  }
  if (reply.sent) return;
  if (!own) before(problem, request, reply);
  const refusal = own ?? { status: problem.status, headers: problem.toHeaders(), body: problem.toBody(request.id) };
  reply.code(refusal.status).headers(refusal.headers).send(JSON.stringify(refusal.body));
}

/** Hung up in the middle of its body: that is nobody's fault but its own, whatever the error looks like. */
function isGone({ raw }: FastifyRequest): boolean {
  return raw.destroyed && !raw.complete;
}
