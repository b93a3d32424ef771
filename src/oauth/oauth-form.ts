import { applyDecorators, Header, HttpCode, type Type } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiBody, ApiConsumes, ApiExtraModels, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import { constant } from '../openapi/problem-responses.js';
import { OwnErrors } from '../openapi/problems.js';
import { OAuthErrorResponse } from './dto.js';
import { BASIC_CHALLENGE, toOAuthRefusal, type OAuthErrorCode } from './oauth-error.js';

const NEVER_STORED = { 'Cache-Control': constant('no-store'), Pragma: constant('no-cache') };

/**
 * A route that takes a form as RFC 6749 reads one, and refuses as its section 5.2 says. `errors` are for the document:
 * what it can refuse with, by status.
 */
export function OAuthForm(fields: Type, errors: { 400: OAuthErrorCode[]; 401: OAuthErrorCode[] }): MethodDecorator {
  return applyDecorators(
    RouteConfig({ acceptsForm: true, refuse: toOAuthRefusal }),
    HttpCode(200),
    Header('Cache-Control', 'no-store'),
    Header('Pragma', 'no-cache'),
    ApiConsumes('application/x-www-form-urlencoded'),
    ApiBody({ type: fields }),
    OwnErrors(),
    ApiExtraModels(OAuthErrorResponse),
    describe(400, errors[400], NEVER_STORED),
    describe(401, errors[401], { ...NEVER_STORED, 'WWW-Authenticate': constant(BASIC_CHALLENGE) }),
  );
}

function describe(status: number, errors: OAuthErrorCode[], headers: object): MethodDecorator {
  const schema = {
    allOf: [{ $ref: getSchemaPath(OAuthErrorResponse) }, { properties: { error: { type: 'string', enum: errors } } }],
  };
  return ApiResponse({
    status,
    description: errors.map((error) => `\`${error}\``).join(', '),
    headers: headers as never,
    content: { 'application/json': { schema } } as never,
  });
}
