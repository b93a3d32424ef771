import type { FastifyRequest } from 'fastify';
import type { PresentedCookie } from './refresh-cookies.js';

const CHOSEN = Symbol('the cookie that a request is judged by');

type Judged = FastifyRequest & { [CHOSEN]?: PresentedCookie };

/** From now on the request's refresh token is that of this cookie. */
export function judgeBy(request: FastifyRequest, cookie: PresentedCookie): void {
  (request as Judged)[CHOSEN] = cookie;
}

export function judgedBy(request: FastifyRequest): PresentedCookie | undefined {
  return (request as Judged)[CHOSEN];
}

/** The refresh token of a request: in the cookie that a guard has chosen, or in the body. For Passport. */
export function presentedRefreshToken(request: unknown): string | null {
  const { body } = request as { body?: { refresh_token?: string } };
  return judgedBy(request as FastifyRequest)?.token ?? body?.refresh_token ?? null;
}
