import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Config } from '../config/config.js';
import { Challenges } from '../proof-of-work/challenges.service.js';
import { PasswordThrottle } from '../rate-limits/password-throttle.js';
import { RateLimits } from '../rate-limits/rate-limits.service.js';
import type { LiveSession } from '../sessions/session-row.js';
import { DEVICE_TOKEN_TTL_MS, DeviceTokenService, type KnownDevice } from '../tokens/device-token.service.js';
import { accountOf } from '../users/email.js';
import type { User } from '../users/user.entity.js';
import { CsrfProtection } from './cookies/csrf-protection.js';
import { HostCookies, type HostCookie } from './cookies/host-cookies.js';

/** Of different users in one browser; beyond that the oldest cookie is cleared. */
const MAX_COOKIES = 5;

/**
 * Devices on which a user has signed in before. Their tokens come in a body, or in a cookie for each user. No decision
 * against CSRF is needed: a page of another site that makes a browser send the cookie only uses up guesses of the device,
 * and the next known device or an unknown one can sign in all the same. A logout keeps them.
 */
@Injectable()
export class KnownDevices {
  private readonly cookies: HostCookies;

  constructor(
    config: Config,
    private readonly tokens: DeviceTokenService,
    private readonly throttle: PasswordThrottle,
    private readonly csrf: CsrfProtection,
    limits: RateLimits,
    challenges: Challenges,
  ) {
    this.cookies = new HostCookies(config, 'latchkey-device-');
    // A known device has few guesses at one account.
    limits.exempt('password', ({ request }) => this.findUnvalidated(request));
    challenges.countFailures('login', (request) => this.failuresOfUnknown(request));
  }

  /** The device of a request that signs in to this account. Null without a token of this account: an unknown device. */
  find(request: FastifyRequest, email: string): KnownDevice | null {
    const { device_token: inBody } = (request.body ?? {}) as { device_token?: unknown };
    const presented = typeof inBody === 'string' ? [inBody] : [];
    const tokens = [...presented, ...this.cookies.readAll(request).map(({ token }) => token)];
    if (tokens.length === 0) return null;
    const accountKey = this.throttle.accountKey(accountOf(email));
    const devices = tokens.map((token) => this.tokens.verify(token));
    return devices.find((device) => device?.accountKey === accountKey) ?? null;
  }

  /**
   * Issues a token to a device whose user has just proved the password. In cookie delivery it is set as a cookie, and null is
   * returned. A known device keeps its id.
   *
   * @param canonical address of the user
   */
  issue(session: LiveSession, canonical: string, request: FastifyRequest, reply: FastifyReply): string | null {
    const token = this.tokenFor(session.userId, canonical, request);
    if (session.delivery === 'body') return token;
    this.setCookie(session.userId, token, request, reply);
    return null;
  }

  /**
   * Makes the browser a known device of a user who has just proved the mailbox: others who go on guessing then cannot keep them
   * from signing in with the new password. Only where the request may use cookies.
   */
  remember(
    { id, emailCanonical }: Pick<User, 'id' | 'emailCanonical'>,
    request: FastifyRequest,
    reply: FastifyReply,
  ): void {
    if (!this.csrf.allowsCookieUse(request)) return;
    this.setCookie(id, this.tokenFor(id, emailCanonical, request), request, reply);
  }

  private tokenFor(userId: string, canonical: string, request: FastifyRequest): string {
    const known = this.find(request, canonical);
    const deviceId = known?.userId === userId ? known.deviceId : randomUUID();
    return this.tokens.issue({ userId, deviceId, accountKey: this.throttle.accountKey(canonical) });
  }

  private setCookie(userId: string, token: string, request: FastifyRequest, reply: FastifyReply): void {
    const name = this.cookies.nameOf(userId);
    this.cookies.send(reply, name, token, DEVICE_TOKEN_TTL_MS / 1000);
    this.clearOldest(
      this.cookies.readAll(request).filter((cookie) => cookie.name !== name),
      reply,
    );
  }

  /** Leaves room for the cookie that was just set. */
  private clearOldest(others: HostCookie[], reply: FastifyReply): void {
    const issuedAt = ({ token }: HostCookie) => this.tokens.verify(token)?.issuedAt ?? 0;
    const oldestFirst = others.map((cookie) => ({ cookie, at: issuedAt(cookie) })).sort((a, b) => a.at - b.at);
    for (const { cookie } of oldestFirst.slice(0, Math.max(0, others.length - MAX_COOKIES + 1))) {
      this.cookies.send(reply, cookie.name, '', 0);
    }
  }

  /** For the limits, which come before the validation of the body. */
  private findUnvalidated(request: FastifyRequest): boolean {
    const account = unvalidatedAccount(request);
    return account !== null && this.find(request, account) !== null;
  }

  /** For the challenges: 0 for a known device. */
  private async failuresOfUnknown(request: FastifyRequest): Promise<number> {
    const account = unvalidatedAccount(request);
    if (account === null || this.find(request, account) !== null) return 0;
    return this.throttle.findFailures(accountOf(account));
  }
}

function unvalidatedAccount({ body }: FastifyRequest): string | null {
  const { email, username } = (body ?? {}) as { email?: unknown; username?: unknown };
  const account = email ?? username;
  return typeof account === 'string' ? account : null;
}
