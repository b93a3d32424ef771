import type { OpenAPIObject } from '@nestjs/swagger';
import { CATALOGUE, problemKind, type ProblemCode } from '../problem/catalogue.js';
import type { ExceededLimit } from '../problem/exceeded-limit.js';
import { Problem } from '../problem/problem.js';
import { CHALLENGE, EXAMPLE_CHALLENGE } from './challenge-schema.js';
import { SET_COOKIE_HEADER } from './refresh-cookie.js';

type Components = NonNullable<OpenAPIObject['components']>;
type Schema = NonNullable<Components['schemas']>[string];
type Header = Extract<NonNullable<Components['headers']>[string], { schema?: unknown }>;
type Response = Extract<NonNullable<Components['responses']>[string], { description: string }>;

const EXAMPLE_LIMIT: ExceededLimit = {
  name: 'password-address',
  points: 50,
  windowMs: 600_000,
  retryAfterMs: 123_000,
};

export const PROBLEM: Schema = {
  type: 'object',
  description: 'RFC 9457, with a stable code.',
  required: ['type', 'title', 'status', 'detail', 'code', 'requestId', 'terminal'],
  properties: {
    type: {
      type: 'string',
      pattern: '^urn:latchkey:problem:[a-z_]+$',
      example: 'urn:latchkey:problem:session_revoked',
    },
    title: { type: 'string', minLength: 1 },
    status: { type: 'integer', minimum: 400, maximum: 599 },
    detail: { type: 'string', minLength: 1 },
    code: { type: 'string', enum: Object.keys(CATALOGUE) },
    requestId: { type: 'string', format: 'uuid', description: 'Also in the header X-Request-Id, and in the log.' },
    terminal: { type: 'boolean', description: 'true: drop the credentials and sign in again.' },
    errors: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        required: ['field', 'message'],
        properties: { field: { type: 'string' }, message: { type: 'string', minLength: 1 } },
      },
    },
    session_id: { type: 'string', format: 'uuid', description: 'The session that the problem is about.' },
    reason: { type: 'string', description: 'Why the session was revoked or has expired.' },
    limit: { type: 'string', description: 'The limit that refused the request.', example: EXAMPLE_LIMIT.name },
    challenge: CHALLENGE,
  },
};

export const HEADERS: Record<string, Header> = {
  'X-Request-Id': {
    required: true,
    description: 'Names the request in the log.',
    schema: { type: 'string', format: 'uuid' },
  },
  'Retry-After': {
    required: true,
    description: 'Seconds to wait before the next attempt.',
    schema: { type: 'integer', minimum: 1 },
  },
  RateLimit: {
    required: true,
    description:
      'The limits that refused the request, and the seconds until the next attempt (draft-ietf-httpapi-ratelimit-headers-10).',
    schema: { type: 'string', example: '"password-address";r=0;t=123' },
  },
  'RateLimit-Policy': {
    required: true,
    description: 'The same limits: how many attempts in how many seconds.',
    schema: { type: 'string', example: '"password-address";q=50;w=600' },
  },
  'WWW-Authenticate': {
    required: true,
    description: 'RFC 6750 section 3',
    schema: { type: 'string', pattern: '^Bearer realm="latchkey"', example: 'Bearer realm="latchkey"' },
  },
  'Cache-Control': constant('no-store'),
  'Set-Cookie': SET_COOKIE_HEADER,
};

/** The responses of these codes, by status, with the headers that a `Problem` of the code is sent with. */
export function problemResponses(codes: ProblemCode[]): Record<string, Response> {
  const groups: Record<string, ProblemCode[]> = {};
  for (const code of codes) (groups[problemKind(code).status] ??= []).push(code);
  return Object.fromEntries(Object.entries(groups).map(([status, group]) => [status, responseOf(group)]));
}

function responseOf(codes: ProblemCode[]): Response {
  return {
    description: codes.map((code) => `\`${code}\``).join(', '),
    headers: headersOf(codes),
    content: {
      'application/problem+json': {
        schema: {
          allOf: [{ $ref: '#/components/schemas/Problem' }, { properties: { code: { type: 'string', enum: codes } } }],
        },
        examples: Object.fromEntries(codes.map((code) => [code, { value: example(code) }])),
      },
    },
  };
}

/** A header is required where each of the codes is sent with it. */
function headersOf(codes: ProblemCode[]): NonNullable<Response['headers']> {
  const sent = codes.map((code) => Object.keys(exampleOf(code).toHeaders()));
  const named = Object.entries(HEADERS).flatMap(([name, header]) => {
    const count = sent.filter((names) => names.includes(name.toLowerCase())).length;
    if (count === 0) return [];
    return [[name, count === codes.length ? referTo(name) : { ...header, required: false }]];
  });
  return Object.fromEntries(named) as NonNullable<Response['headers']>;
}

/** A header that always has this value. */
export function constant(value: string): Header {
  return { required: true, schema: { type: 'string', enum: [value] } };
}

export function referTo(header: string): { $ref: string } {
  return { $ref: `#/components/headers/${header}` };
}

function example(code: ProblemCode): Record<string, unknown> {
  return exampleOf(code).toBody('0b5e2f6e-3c1d-4b52-9a64-6f1f3c1f6a10');
}

function exampleOf(code: ProblemCode): Problem {
  if (code === 'rate_limited') return new Problem(code, { limits: [EXAMPLE_LIMIT] });
  return new Problem(code, code === 'challenge_required' ? { challenge: EXAMPLE_CHALLENGE } : {});
}
