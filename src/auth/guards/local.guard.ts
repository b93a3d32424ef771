import { type ExecutionContext, Injectable } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { isForm } from '../../http/also-form.js';
import { Problem } from '../../problem/problem.js';
import type { User } from '../../users/user.entity.js';
import { CookieSelector } from '../cookies/cookie-selector.js';
import { CsrfProtection } from '../cookies/csrf-protection.js';
import { KnownDevices } from '../known-devices.js';
import { LoginDto, LoginFormDto } from '../dto.js';
import type { LoginCredential, LoginRequest } from '../requests.js';
import { validateBody } from './validate-body.js';

/** What `passport-local` sets, and only this guard reads. */
type VerifiedRequest = LoginRequest & { verifiedUser: User };

/**
 * Verifies an e-mail address and a password: the result is `request.loginCredential`. It refuses no request itself, so that
 * failed logins are counted where successful ones are. Only the body counts, never the query: `passport-local` reads both.
 */
@Injectable()
export class LocalGuard extends AuthGuard('local') {
  constructor(
    private readonly csrf: CsrfProtection,
    private readonly cookies: CookieSelector,
    private readonly devices: KnownDevices,
  ) {
    super();
  }

  override getAuthenticateOptions(): { property: string } {
    return { property: 'verifiedUser' satisfies keyof VerifiedRequest };
  }

  override async canActivate(context: ExecutionContext): Promise<true> {
    const request = context.switchToHttp().getRequest<VerifiedRequest>();
    try {
      request.loginCredential = await this.verify(request, context);
    } catch (error) {
      request.loginCredential = { kind: 'rejected', error };
    }
    return true;
  }

  override handleRequest<User>(error: unknown, user: User | false): User {
    if (error) throw error;
    if (!user) throw new Problem('invalid_credentials');
    return user;
  }

  private async verify(request: VerifiedRequest, context: ExecutionContext): Promise<LoginCredential> {
    const credentials = await readCredentials(request);
    request.body = credentials;
    this.csrf.assertSignIn(request, credentials.delivery);
    await super.canActivate(context);
    const { delivery } = credentials;
    // The sessions of this browser, of any user: one with a cookie replaces them.
    const replaced = delivery === 'cookie' ? this.cookies.verifyAll(request).map(({ sessionId }) => sessionId) : [];
    const { verifiedUser: user } = request;
    const isKnownDevice = this.devices.find(request, user.email)?.userId === user.id;
    return { kind: 'verified', user, delivery, replaced, isKnownDevice };
  }
}

async function readCredentials(request: FastifyRequest): Promise<LoginDto> {
  if (!isForm(request)) return validateBody(request.body, LoginDto);
  const { username, password } = await validateBody(request.body, LoginFormDto);
  return { email: username, password };
}
