import { applyDecorators, Header, HttpCode, type Type } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiBody, ApiConsumes, ApiExtraModels, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { isForm } from '../http/also-form.js';
import { constant } from '../openapi/problem-responses.js';
import { OwnErrors } from '../openapi/problems.js';
import { BASIC_CHALLENGE, OAuthError, OAuthErrorResponse, toOAuthRefusal, type OAuthErrorCode } from './oauth-error.js';

export type Form = Readonly<Record<string, string>>;

const FORM = 'application/x-www-form-urlencoded';
const NEVER_STORED = { 'Cache-Control': constant('no-store'), Pragma: constant('no-cache') };

/** Documents a parameter that clients may send and this server has no use for. */
export const TOKEN_TYPE_HINT = { description: 'Ignored: a token itself names its type.' };
export const CLIENT_ID = { description: 'CLIENT_ID. Can be left out.' };

/**
 * A route that takes a form as in RFC 6749 section 3.2, and responds to errors as in its section 5.2. `errors` are for
 * the document: the error codes that the route can respond with, by status.
 */
export function OAuthForm(fields: Type, errors: { 400: OAuthErrorCode[]; 401: OAuthErrorCode[] }): MethodDecorator {
  return applyDecorators(
    RouteConfig({ acceptsForm: true, refuse: toOAuthRefusal }),
    HttpCode(200),
    Header('Cache-Control', 'no-store'),
    Header('Pragma', 'no-cache'),
    ApiConsumes(FORM),
    ApiBody({ type: fields }),
    OwnErrors(),
    ApiExtraModels(OAuthErrorResponse),
    errorResponse(400, errors[400], NEVER_STORED),
    errorResponse(401, errors[401], { ...NEVER_STORED, 'WWW-Authenticate': constant(BASIC_CHALLENGE) }),
  );
}

/**
 * The parameters of a request. A parameter without a value counts as omitted, an unknown one is ignored (RFC 6749
 * section 3.2). The body parser has refused repeated parameters. Throws `invalid_request` for any other kind of body.
 */
export function readForm(request: FastifyRequest): Form {
  if (request.body !== undefined && !isForm(request)) throw new OAuthError('invalid_request', `Send ${FORM}.`);
  const given = Object.entries((request.body ?? {}) as Form);
  return Object.fromEntries(given.filter(([, value]) => value !== ''));
}

/** Throws `invalid_request`. */
export function required(form: Form, name: 'grant_type' | 'refresh_token' | 'token'): string {
  const value = form[name];
  if (value === undefined) throw new OAuthError('invalid_request', `The parameter ${name} is missing.`);
  return value;
}

function errorResponse(status: number, errors: OAuthErrorCode[], headers: object): MethodDecorator {
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
