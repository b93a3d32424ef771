import { parseCookie, stringifySetCookie } from 'cookie';
import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Clock } from '../../clock/clock.js';
import { Config } from '../../config/config.js';

/** A cookie under one of our names, as a browser sends it: unverified. */
export interface RefreshCookie {
  name: string;
  token: string;
}

/**
 * The cookies that carry refresh tokens: one for each session, so that a late response for one session can neither overwrite
 * nor delete the cookie of another. Scripts cannot read them (HttpOnly), other sites cannot send them (SameSite=Strict),
 * and subdomains cannot set them (`__Host-`, RFC 6265bis section 4.1.3: against session fixation). Over http, which is
 * allowed for http://localhost only, browsers reject that prefix: there the name is plain.
 */
@Injectable()
export class RefreshCookies {
  private readonly isSecure: boolean;
  private readonly prefix: string;

  constructor(
    { issuer }: Config,
    private readonly clock: Clock,
  ) {
    const { protocol, hostname } = new URL(issuer);
    this.isSecure = !(protocol === 'http:' && hostname === 'localhost');
    this.prefix = this.isSecure ? '__Host-latchkey-' : 'latchkey-';
  }

  nameOf(sessionId: string): string {
    return this.prefix + sessionId.slice(-12).toLowerCase();
  }

  /** All of them. The limit on the size of the request's head bounds their number. */
  readAll(request: FastifyRequest): RefreshCookie[] {
    const { cookie = '' } = request.headers;
    if (!cookie.includes(this.prefix)) return [];
    const isOurs = (name: string) =>
      name.startsWith(this.prefix) && /^[0-9a-f]{12}$/.test(name.slice(this.prefix.length));
    return Object.entries(parseCookie(cookie))
      .filter(([name]) => isOurs(name))
      .map(([name, token = '']) => ({ name, token }));
  }

  /** @param expiresAt of the session, in milliseconds since the epoch */
  set(reply: FastifyReply, sessionId: string, token: string, expiresAt: number): void {
    const maxAge = Math.max(0, Math.ceil((expiresAt - this.clock.now()) / 1000));
    this.send(reply, this.nameOf(sessionId), token, maxAge);
  }

  clear(reply: FastifyReply, name: string): void {
    this.send(reply, name, '', 0);
  }

  private send(reply: FastifyReply, name: string, value: string, maxAge: number): void {
    const attributes = { httpOnly: true, secure: this.isSecure, sameSite: 'strict', path: '/', maxAge } as const;
    void reply.header('set-cookie', stringifySetCookie({ name, value, ...attributes }));
  }
}
