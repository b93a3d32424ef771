import type { OpenAPIObject } from '@nestjs/swagger';
import type { Challenge } from 'altcha-lib/types';

type Schema = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>[string];

const HEX = (bytes: number): Schema => ({ type: 'string', pattern: `^[0-9a-f]{${2 * bytes}}$` });

/** The member `challenge` of the problem `challenge_required`. */
export const CHALLENGE: Schema = {
  type: 'object',
  description:
    'To solve: the smallest counter from 0 whose key begins with keyPrefix. The key is PBKDF2-HMAC-SHA-256 of nonce and ' +
    'counter (32 bits, big-endian) with this salt, and cost iterations. `@latchkey/client/challenge` and ALTCHA solve it.',
  required: ['parameters', 'signature'],
  properties: {
    parameters: {
      type: 'object',
      required: ['algorithm', 'nonce', 'salt', 'cost', 'keyLength', 'keyPrefix', 'keySignature', 'expiresAt', 'data'],
      properties: {
        algorithm: { type: 'string', enum: ['PBKDF2/SHA-256'] },
        nonce: HEX(16),
        salt: HEX(16),
        cost: { type: 'integer', minimum: 1 },
        keyLength: { type: 'integer', enum: [32] },
        keyPrefix: HEX(16),
        keySignature: HEX(32),
        expiresAt: { type: 'integer', description: 'Seconds since the epoch.' },
        data: {
          type: 'object',
          description: 'For the server.',
          required: ['kid', 'purpose'],
          properties: { kid: { type: 'string' }, purpose: { type: 'string' } },
        },
      },
    },
    signature: HEX(32),
  },
};

export const EXAMPLE_CHALLENGE: Challenge = {
  parameters: {
    algorithm: 'PBKDF2/SHA-256',
    cost: 2000,
    data: { kid: '3q2-7wF1mVbK', purpose: 'login' },
    expiresAt: 1_796_075_049,
    keyLength: 32,
    keyPrefix: '68d2d927d3f4a418be80544172e4b8fd',
    keySignature: '8a82ea6e8a371aa3682049ad694a82573660347c7abc53dd04538c1b41e8c0fb',
    nonce: 'f7c478fb741fad6a24154d4fec06381e',
    salt: 'e3ba1423bff6e8ea0d588f9576a985c8',
  },
  signature: '56bf07148506b433ed7e4bfd64efc9e247a4ffcaa57c74898c5c26eef1150591',
};
