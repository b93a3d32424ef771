import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { toProblem, type Translator } from './to-problem.js';

/** Answers every error as `application/problem+json`. Errors of ours (5xx) are logged with their cause. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly translators: readonly Translator[]) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    sendProblem(error, request, reply, this.translators);
  }
}

export function sendProblem(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  translators: readonly Translator[],
): void {
  const problem = toProblem(error, translators);
  if (problem.status >= 500) {
    request.log.error({ err: problem.cause ?? problem, code: problem.code }, 'request failed');
  }
  if (reply.sent) return;
  reply
    .code(problem.status)
    .headers(problem.toHeaders())
    .send(JSON.stringify(problem.toBody(request.id)));
}
