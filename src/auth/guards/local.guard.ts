import { type ExecutionContext, Injectable } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { isForm } from '../../http/also-form.js';
import { Problem } from '../../problem/problem.js';
import { CookieSignIn } from '../cookies/cookie-sign-in.js';
import { LoginDto, LoginFormDto } from '../dto.js';
import { SignInMetrics } from '../sign-in-metrics.js';
import { validBody } from './valid-body.js';

/** Lets in who knows a password; the user is then `request.user`. The body counts alone, never the query. */
@Injectable()
export class LocalGuard extends AuthGuard('local') {
  constructor(
    private readonly metrics: SignInMetrics,
    private readonly cookieSignIn: CookieSignIn,
  ) {
    super();
  }

  override canActivate(context: ExecutionContext): Promise<boolean> {
    return this.metrics.step(this.check(context));
  }

  private async check(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const credentials = await this.credentialsIn(request);
    request.body = credentials;
    this.cookieSignIn.check(request, credentials);
    return (await super.canActivate(context)) as boolean;
  }

  override handleRequest<User>(error: unknown, user: User | false): User {
    if (error) throw error;
    if (!user) throw new Problem('invalid_credentials');
    return user;
  }

  private async credentialsIn(request: FastifyRequest): Promise<LoginDto> {
    if (!isForm(request)) return validBody(request.body, LoginDto);
    const { username, password } = await validBody(request.body, LoginFormDto);
    return { email: username, password };
  }
}
