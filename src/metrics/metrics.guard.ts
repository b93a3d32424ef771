import { createHash, timingSafeEqual } from 'node:crypto';
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { bearerToken } from '../http/bearer-token.js';
import { Problem } from '../problem/problem.js';
import { Config } from '../config/config.js';

/** Lets in who knows METRICS_TOKEN; everybody where there is none, which production never serves. */
@Injectable()
export class MetricsGuard implements CanActivate {
  private readonly expected: Buffer | null;

  constructor({ metricsToken }: Config) {
    this.expected = metricsToken === '' ? null : digest(metricsToken);
  }

  /** Digests have one length: how long the comparison takes tells nothing of the token. */
  canActivate(context: ExecutionContext): boolean {
    if (!this.expected) return true;
    const given = bearerToken(context.switchToHttp().getRequest());
    if (given === null || !timingSafeEqual(digest(given), this.expected)) throw new Problem('metrics_token_wrong');
    return true;
  }
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
