import { createHash, timingSafeEqual } from 'node:crypto';
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { readBearerToken } from '../http/bearer-token.js';
import type { FastifyRequest } from 'fastify';
import { Problem } from '../problem/problem.js';
import { Config } from '../config/config.js';

/** Admits scrapers with METRICS_TOKEN; everybody where it is not set, which production never serves. */
@Injectable()
export class MetricsGuard implements CanActivate {
  private readonly expected: Buffer | null;

  constructor({ metricsToken }: Config) {
    this.expected = metricsToken === '' ? null : digest(metricsToken);
  }

  /** Compares digests, which have one length, in constant time. */
  canActivate(context: ExecutionContext): boolean {
    if (!this.expected) return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const bearer = readBearerToken(request);
    if (bearer.kind !== 'token' || !timingSafeEqual(digest(bearer.token), this.expected))
      throw new Problem('metrics_token_wrong');
    return true;
  }
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
