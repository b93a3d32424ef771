import { type OpenAPIObject, getSchemaPath } from '@nestjs/swagger';
import { problemKind, type ProblemCode } from '../problem/catalogue.js';
import type { DocumentedRoute } from './documented-routes.js';
import { constant, problemResponses, referTo } from './problem-responses.js';
import { ACCESS_TOKEN } from './security-schemes.js';

export type OperationObject = NonNullable<OpenAPIObject['paths'][string]['get']>;
type Components = NonNullable<OpenAPIObject['components']>;
type Header = NonNullable<Components['headers']>[string];

const FORM = 'application/x-www-form-urlencoded';

const EVERY_ROUTE: ProblemCode[] = [
  'malformed_request',
  'repeated_parameter',
  'too_many_members',
  'internal_error',
  'shutting_down',
];
/** A body is parsed, and can be refused, also where the route needs none. */
const WITH_BODY: ProblemCode[] = ['malformed_json', 'body_too_deep', 'payload_too_large', 'unsupported_media_type'];
const WITH_PARAMETERS: ProblemCode[] = ['uri_too_long'];
const WITH_DATABASE: ProblemCode[] = ['database_unavailable'];
const LIMITED: ProblemCode[] = ['rate_limited'];
const GUARDED: ProblemCode[] = [
  'access_token_missing',
  'access_token_invalid',
  'access_token_expired',
  'access_token_outdated',
  'session_revoked',
];

/** Where an operation stands in the document. */
export interface Place {
  method: string;
  address: string;
}

/** Adds to an operation what guards, parsers, filter and the route's own decorators do. */
export function completeOperation(operation: OperationObject, route: DocumentedRoute, place: Place): void {
  operation.security = route.isPublic ? (operation.security ?? []) : ACCESS_TOKEN;
  const { requestBody } = operation;
  if (route.form && requestBody && 'content' in requestBody) {
    requestBody.content[FORM] = { schema: { $ref: getSchemaPath(route.form) } };
  }
  const codes = problemsOf(route, place).filter((code) => !route.hasOwnErrors || isProblemEverywhere(code));
  Object.assign(operation.responses, problemResponses(codes));
  for (const [status, response] of Object.entries(operation.responses)) {
    if (response && 'description' in response) response.headers = { ...response.headers, ...headersOf(route, status) };
  }
}

/**
 * A body has no members beyond these, where others are refused. A response can gain members in a later version: its
 * schema stays open.
 */
export function closeRequest(
  { requestBody }: OperationObject,
  { hasOwnErrors }: DocumentedRoute,
  schemas: NonNullable<Components['schemas']>,
): void {
  if (!requestBody || !('content' in requestBody)) return;
  for (const { schema } of Object.values(requestBody.content)) {
    const name = schema && '$ref' in schema ? schema.$ref.split('/').at(-1)! : '';
    Object.assign(schemas[name] ?? {}, { additionalProperties: hasOwnErrors });
  }
}

/** Errors of the server and 429 have one form, also where a standard defines the other responses. */
function isProblemEverywhere(code: ProblemCode): boolean {
  const { status } = problemKind(code);
  return status >= 500 || status === 429;
}

function problemsOf(route: DocumentedRoute, { method, address }: Place): ProblemCode[] {
  const all = [
    ...route.problems,
    ...(route.needsRole ? (['insufficient_role'] as const) : []),
    ...(route.needsRecentAuthentication ? (['reauthentication_required'] as const) : []),
    ...(route.isLimited ? LIMITED : []),
    ...(route.isPublic ? [] : GUARDED),
    ...(method === 'get' ? [] : WITH_BODY),
    ...(address.includes('{') ? WITH_PARAMETERS : []),
    ...(route.needsDatabase ? WITH_DATABASE : []),
    ...EVERY_ROUTE,
  ];
  return [...new Set(all)];
}

function headersOf({ headers, setsCookie }: DocumentedRoute, status: string): Record<string, Header> {
  const fixed = headers.flatMap(({ name, value }) => (typeof value === 'string' ? [[name, constant(value)]] : []));
  return {
    ...(status.startsWith('2') && (Object.fromEntries(fixed) as Record<string, Header>)),
    ...(setsCookie.includes(Number(status)) && { 'Set-Cookie': referTo('Set-Cookie') }),
    'X-Request-Id': referTo('X-Request-Id'),
  };
}
