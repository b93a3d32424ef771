import { SetMetadata } from '@nestjs/common';
import type { LimitFamily } from '../config/rate-limit-policies.js';

export const RATE_LIMIT = 'latchkey:rate-limit';

/**
 * Limits a route by the policies of these families (429 `rate_limited`): for routes that take a password (`password`), make
 * accounts (`register`), send mail to an address that the caller names (`mail`), or take another secret (`token`).
 */
export const LimitRate = (...families: Exclude<LimitFamily, 'refresh'>[]): MethodDecorator =>
  SetMetadata(RATE_LIMIT, families);
