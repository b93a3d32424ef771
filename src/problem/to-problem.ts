import { HttpException } from '@nestjs/common';
import type { ProblemCode } from './catalogue.js';
import { Problem } from './problem.js';

/** Turns an error of a library into a problem; undefined for an error that it does not know. */
export type Translator = (error: unknown) => Problem | undefined;

const FASTIFY: Record<string, ProblemCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'payload_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'malformed_request',
  FST_ERR_BAD_URL: 'malformed_request',
  FST_ERR_MAX_PARAM_LENGTH: 'uri_too_long',
  FST_ERR_ASYNC_CONSTRAINT: 'malformed_request',
};

const STATUS: Record<number, ProblemCode> = {
  400: 'malformed_request',
  404: 'not_found',
  405: 'method_not_allowed',
  408: 'request_timeout',
  413: 'payload_too_large',
  414: 'uri_too_long',
  415: 'unsupported_media_type',
  431: 'headers_too_large',
};

/** How errors become problems. */
export class ErrorTranslators {
  /** @param translators for errors of libraries, in this order */
  constructor(private readonly translators: readonly Translator[]) {}

  /** An error that nobody recognises is an `internal_error`, which keeps its cause for the log and shows none of it. */
  toProblem(error: unknown): Problem {
    if (error instanceof Problem) return error;
    for (const translate of this.translators) {
      const problem = translate(error);
      if (problem) return problem;
    }
    return ofFramework(error);
  }
}

function ofFramework(error: unknown): Problem {
  const status = statusOf(error);
  const code = FASTIFY[codeOf(error)] ?? STATUS[status];
  if (error instanceof HttpException && (!code || status === 400) && status < 500) return refusedBy(error);
  return new Problem(code ?? 'internal_error', { cause: error });
}

/** `throw new ConflictException('…')` in a team's module: its status and its text, which is meant for clients. */
function refusedBy(exception: HttpException): Problem {
  return new Problem('request_refused', { status: exception.getStatus(), detail: exception.message.slice(0, 500) });
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown } | null)?.code ?? '');
}

function statusOf(error: unknown): number {
  if (error instanceof HttpException) return error.getStatus();
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  // Only errors that Fastify made carry a code like this: a bug that happens to have a status stays a 500.
  return typeof status === 'number' && codeOf(error).startsWith('FST_') ? status : 500;
}
