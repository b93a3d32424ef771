import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Clock } from '../../clock/clock.js';
import { Config } from '../../config/config.js';
import { HostCookies, type HostCookie } from './host-cookies.js';

export type RefreshCookie = HostCookie;

/**
 * The cookies that carry refresh tokens: one for each session, so that a late response for one session can neither overwrite
 * nor delete the cookie of another.
 */
@Injectable()
export class RefreshCookies {
  private readonly cookies: HostCookies;

  constructor(
    config: Config,
    private readonly clock: Clock,
  ) {
    this.cookies = new HostCookies(config, 'latchkey-');
  }

  nameOf(sessionId: string): string {
    return this.cookies.nameOf(sessionId);
  }

  readAll(request: FastifyRequest): RefreshCookie[] {
    return this.cookies.readAll(request);
  }

  /** @param expiresAt of the session, in milliseconds since the epoch */
  set(reply: FastifyReply, sessionId: string, token: string, expiresAt: number): void {
    const maxAge = Math.max(0, Math.ceil((expiresAt - this.clock.now()) / 1000));
    this.cookies.send(reply, this.nameOf(sessionId), token, maxAge);
  }

  clear(reply: FastifyReply, name: string): void {
    this.cookies.send(reply, name, '', 0);
  }
}
