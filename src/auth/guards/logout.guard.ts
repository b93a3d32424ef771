import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import type { Identity } from '../../identity/identity.js';
import type { ProblemCode } from '../../problem/catalogue.js';
import { Problem } from '../../problem/problem.js';
import { RevocationsService } from '../../revocations/revocations.service.js';
import type { PresentedRefreshToken } from '../../tokens/refresh-token.service.js';
import { CookieSelector } from '../cookies/cookie-selector.js';
import { LogoutDto } from '../dto.js';
import { isMissing } from './access.guard.js';
import { validBody } from './valid-body.js';

/** A session that the caller may end, because they hold a token of it. */
export type Ending = Pick<Identity, 'sessionId' | 'userId'>;

/** What became of one of the two tokens: whose it is, why it does not count, or null when there is none. */
type Credential<T> = T | Problem | null;

class TryAccess extends AuthGuard('access') {
  override handleRequest<T>(error: unknown, user: T | false, info: unknown): T {
    if (error) throw error;
    return (user || (isMissing(info) ? null : new Problem('access_token_invalid'))) as T;
  }
}

class TryRefresh extends AuthGuard('refresh') {
  override handleRequest<T>(error: unknown, user: T | false, info: unknown): T {
    if (error) throw error;
    return (user || (isMissing(info) ? null : new Problem('refresh_token_invalid'))) as T;
  }
}

/**
 * Lets in who holds an access token that has not expired, or a refresh token of any generation, or both; leaves the
 * sessions they name as `request.user`. A request with neither is refused rather than answered with an empty success:
 * its sender thinks that a session has ended.
 */
@Injectable()
export class LogoutGuard implements CanActivate {
  private readonly access = new TryAccess();
  private readonly refresh = new TryRefresh();

  constructor(
    private readonly revocations: RevocationsService,
    private readonly choice: CookieSelector,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest & { user: unknown }>();
    const named = await validBody(request.body ?? {}, LogoutDto);
    request.body = named;

    await this.access.canActivate(context);
    const access = await this.unlessExpired(request.user as Credential<Identity>);
    await this.judgeByCookie(request, named, isProblem(access) ? null : access);
    await this.refresh.canActivate(context);
    const refresh = request.user as Credential<PresentedRefreshToken>;

    const given = [access, refresh].filter((credential) => credential !== null);
    const endings = given.filter(
      (credential): credential is Exclude<typeof credential, Problem> => !isProblem(credential),
    );
    if (endings.length === 0) throw given.find(isProblem) ?? new Problem('access_token_missing');
    request.user = endings satisfies Ending[];
    return true;
  }

  /** A token in the body is the one that is meant. */
  private async judgeByCookie(request: FastifyRequest, named: LogoutDto, access: Identity | null): Promise<void> {
    if (named.refresh_token !== undefined) return;
    if (access && named.session_id === undefined) await this.choice.judgeByOwn(request, access.userId);
    else await this.choice.judge(request, named.session_id);
  }

  private async unlessExpired(access: Credential<Identity>): Promise<Credential<Identity>> {
    if (access === null || access instanceof Problem) return access;
    const refusal = await this.revocations.whyRefused(access);
    return cannotAuthenticate(refusal) ? new Problem(refusal) : access;
  }
}

/** Of a refused access token: an ended or outdated one still says whose session to end; an expired one does not. */
export function cannotAuthenticate(
  refusal: ProblemCode | null,
): refusal is 'access_token_expired' | 'access_token_invalid' {
  return refusal === 'access_token_expired' || refusal === 'access_token_invalid';
}

function isProblem(credential: unknown): credential is Problem {
  return credential instanceof Problem;
}
