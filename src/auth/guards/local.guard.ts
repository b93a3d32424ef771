import { type ExecutionContext, Injectable } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { isForm } from '../../http/also-form.js';
import { Problem } from '../../problem/problem.js';
import type { User } from '../../users/user.entity.js';
import { CsrfProtection } from '../cookies/csrf-protection.js';
import { LoginDto, LoginFormDto } from '../dto.js';
import { LoginMetrics } from '../login-metrics.js';
import { validateBody } from './validate-body.js';

/** A request of which `LocalGuard` verified the password. */
export type LoginRequest = FastifyRequest & { body: LoginDto; authenticatedUser: User };

/**
 * Verifies an e-mail address and a password; the user is then `request.authenticatedUser`. Only the body counts, never the
 * query: `passport-local` reads both.
 */
@Injectable()
export class LocalGuard extends AuthGuard('local') {
  constructor(
    private readonly metrics: LoginMetrics,
    private readonly csrf: CsrfProtection,
  ) {
    super();
  }

  override getAuthenticateOptions(): { property: string } {
    return { property: 'authenticatedUser' satisfies keyof LoginRequest };
  }

  override canActivate(context: ExecutionContext): Promise<boolean> {
    return this.metrics.countFailure(this.verify(context));
  }

  override handleRequest<User>(error: unknown, user: User | false): User {
    if (error) throw error;
    if (!user) throw new Problem('invalid_credentials');
    return user;
  }

  private async verify(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const credentials = await readCredentials(request);
    request.body = credentials;
    this.csrf.assertSignIn(request, credentials.delivery);
    return (await super.canActivate(context)) as boolean;
  }
}

async function readCredentials(request: FastifyRequest): Promise<LoginDto> {
  if (!isForm(request)) return validateBody(request.body, LoginDto);
  const { username, password } = await validateBody(request.body, LoginFormDto);
  return { email: username, password };
}
