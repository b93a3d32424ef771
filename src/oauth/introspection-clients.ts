import { createHash, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';

/** The services of INTROSPECTION_CLIENTS, known by digests: of equal length, so that comparing takes equal time. */
@Injectable()
export class IntrospectionClients {
  private readonly digests: Buffer[];

  constructor({ introspectionClients }: Config) {
    this.digests = introspectionClients.map(({ id, secret }) => digest(`${id}:${secret}`));
  }

  /**
   * Whether an Authorization header holds the credentials of one of them. Id and secret are form-encoded in it (RFC 6749
   * section 2.3.1); as many clients leave that out, they may also stand as they are.
   */
  know(authorization: string): boolean {
    const [, base64] = /^Basic +([\w+/]+=*)$/i.exec(authorization) ?? [];
    if (base64 === undefined) return false;
    const plain = Buffer.from(base64, 'base64').toString();
    return this.include(plain) || this.include(formDecoded(plain));
  }

  private include(credentials: string): boolean {
    const given = digest(credentials);
    return this.digests.filter((known) => timingSafeEqual(known, given)).length > 0;
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Each of the two by itself: an encoded colon is part of an id, not its end. */
function formDecoded(credentials: string): string {
  const [id = '', secret = ''] = credentials.split(/:(.*)/s);
  try {
    return [id, secret].map((part) => decodeURIComponent(part.replaceAll('+', ' '))).join(':');
  } catch {
    return credentials;
  }
}
