import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import { CHALLENGE_HEADER } from '../http/challenge-header.js';
import { Problems } from '../openapi/problems.js';
import type { ChallengePurpose } from './challenge-decision.js';

export const CHALLENGE_PURPOSE = 'latchkey:challenge-purpose';

/**
 * With PROOF_OF_WORK=on, requires a solved challenge from those who are over a soft limit of the route (403
 * `challenge_required`): for routes with `@LimitRate()`. The solution of another purpose counts for nothing.
 */
export const ChallengeOverSoftLimit = (purpose: ChallengePurpose): MethodDecorator =>
  applyDecorators(
    SetMetadata(CHALLENGE_PURPOSE, purpose),
    ApiHeader({
      name: CHALLENGE_HEADER,
      required: false,
      description:
        'After `challenge_required`: base64 of the JSON `{"challenge": …, "solution": {"counter": …, "derivedKey": …}}`. ' +
        'The challenge is that of the problem, the key is in hexadecimal digits. Each solution is accepted once.',
      schema: { type: 'string', pattern: '^[A-Za-z0-9+/]+={0,2}$', maxLength: 2000 },
    }),
    Problems('challenge_required'),
  );
