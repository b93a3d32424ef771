import { parseCookie, stringifySetCookie } from 'cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** A cookie under one of our names, as a browser sends it: unverified. */
export interface HostCookie {
  name: string;
  token: string;
}

/**
 * Cookies of this host. Scripts cannot read them (HttpOnly), other sites cannot send them (SameSite=Strict), and subdomains
 * cannot set them (`__Host-`, RFC 6265bis section 4.1.3: against session fixation). Over http, which is allowed for
 * http://localhost only, browsers reject that prefix: there the name is plain.
 */
export class HostCookies {
  private readonly isSecure: boolean;
  private readonly prefix: string;

  /** @param kind what the names begin with; 12 hexadecimal digits follow */
  constructor({ issuer }: { issuer: string }, kind: 'latchkey-' | 'latchkey-device-') {
    const { protocol, hostname } = new URL(issuer);
    this.isSecure = !(protocol === 'http:' && hostname === 'localhost');
    this.prefix = this.isSecure ? `__Host-${kind}` : kind;
  }

  /** The name of the cookie that belongs to this UUID. */
  nameOf(id: string): string {
    return this.prefix + id.slice(-12).toLowerCase();
  }

  /** All of them. The limit on the size of the request's head bounds their number. */
  readAll(request: FastifyRequest): HostCookie[] {
    const { cookie = '' } = request.headers;
    if (!cookie.includes(this.prefix)) return [];
    const isOurs = (name: string) =>
      name.startsWith(this.prefix) && /^[0-9a-f]{12}$/.test(name.slice(this.prefix.length));
    return Object.entries(parseCookie(cookie))
      .filter(([name]) => isOurs(name))
      .map(([name, token = '']) => ({ name, token }));
  }

  /** @param maxAge in seconds; 0 clears the cookie */
  send(reply: FastifyReply, name: string, value: string, maxAge: number): void {
    const attributes = { httpOnly: true, secure: this.isSecure, sameSite: 'strict', path: '/', maxAge } as const;
    void reply.header('set-cookie', stringifySetCookie({ name, value, ...attributes }));
  }
}
