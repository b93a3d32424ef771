import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { problemKind, type ProblemCode } from '../problem/catalogue.js';
import { fixedHeaders } from './fixed-headers.js';
import { constant, HEADERS, PROBLEM, problemResponses, referTo } from './problem-responses.js';

type OperationObject = NonNullable<OpenAPIObject['paths'][string]['get']>;
type Header = NonNullable<NonNullable<OpenAPIObject['components']>['headers']>[string];
type Schemas = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>;

/** What any route can answer with. */
const EVERYWHERE: ProblemCode[] = ['malformed_request', 'repeated_parameter', 'internal_error', 'shutting_down'];
const WITH_DATABASE: ProblemCode[] = ['database_unavailable'];
/** Read, and refused, whether the route wants one or not. */
const WITH_BODY: ProblemCode[] = ['malformed_json', 'body_too_deep', 'payload_too_large', 'unsupported_media_type'];
const WITH_PARAMETERS: ProblemCode[] = ['uri_too_long'];
const GUARDED: ProblemCode[] = [
  'access_token_missing',
  'access_token_invalid',
  'access_token_expired',
  'access_token_outdated',
  'session_revoked',
];

/** Not by `addBearerAuth`, which would call it a JWT. */
const SCRAPERS = { type: 'http', scheme: 'bearer', description: 'METRICS_TOKEN, where it is set.' } as const;

/** The OpenAPI document: what the decorators say, and what the guards and the error catalogue do anyway. */
export function createDocument(app: INestApplication): OpenAPIObject {
  const document = SwaggerModule.createDocument(app, introduction(), { operationIdFactory: operationId });
  const fixed = fixedHeaders(app, operationId);
  const schemas = { ...document.components?.schemas, Problem: PROBLEM };
  document.components = { ...document.components, schemas, headers: HEADERS };
  for (const [address, path] of Object.entries(document.paths)) {
    for (const method of ['get', 'post', 'put', 'patch', 'delete'] as const) {
      const operation = path[method];
      if (!operation) continue;
      const more = [...(method === 'get' ? [] : WITH_BODY), ...(address.includes('{') ? WITH_PARAMETERS : [])];
      const { ignoresUnknownFields } = complete(operation, more);
      closeRequest(operation, schemas, ignoresUnknownFields);
      for (const { name, value } of fixed.get(operation.operationId ?? '') ?? []) {
        if (typeof value === 'string') addHeader(operation, /^2/, name, constant(value));
      }
      addHeader(operation, /./, 'X-Request-Id', referTo('X-Request-Id'));
    }
  }
  return document;
}

function introduction(): ReturnType<DocumentBuilder['build']> {
  return new DocumentBuilder()
    .setTitle('Latchkey')
    .setDescription('Sessions for single-page apps: sign in once, stay signed in, end it everywhere.')
    .setVersion('1')
    .setLicense('MIT', 'https://opensource.org/license/mit')
    .setOpenAPIVersion('3.1.1')
    .addServer('/')
    .addOAuth2(
      {
        type: 'oauth2',
        description: 'Sign in here: username is your e-mail address; leave client_id and client_secret empty.',
        flows: { password: { tokenUrl: '/auth/login', scopes: {} } },
      },
      'password',
    )
    .addBearerAuth(
      { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'Or an access token that you have.' },
      'bearer',
    )
    .addSecurity('metrics', SCRAPERS)
    .addBasicAuth({ type: 'http', scheme: 'basic', description: 'One of INTROSPECTION_CLIENTS.' }, 'client')
    .build();
}

/** Turns our own extensions (`@Public`, `@Problems`, `@NoDatabase`, `@AlsoForm`, …) into what OpenAPI calls them. */
function complete(operation: OperationObject, more: ProblemCode[]): { ignoresUnknownFields: boolean } {
  const extensions = operation as unknown as Record<string, unknown>;
  const isOpen = take<boolean>(extensions, 'x-public').length > 0;
  const [form] = take<string>(extensions, 'x-form');
  const named = Object.keys(extensions)
    .filter((key) => key.startsWith('x-problems-'))
    .flatMap((key) => take<ProblemCode>(extensions, key));
  const noDatabase = take<boolean>(extensions, 'x-no-database').length > 0;

  // A standard's form of its own: it says what a client is refused with, and that unknown parameters are ignored.
  const ownRefusals = take<boolean>(extensions, 'x-own-refusals').length > 0;

  const withToken = [{ password: [] }, { bearer: [] }];
  // An open route that can miss an access token takes one, or something in its place.
  const ifOpen = named.includes('access_token_missing') ? [{}, ...withToken] : (operation.security ?? []);
  operation.security = isOpen ? ifOpen : withToken;
  if (named.includes('metrics_token_wrong')) operation.security = [{}, { metrics: [] }];
  const body = operation.requestBody;
  if (form && body && 'content' in body) {
    body.content['application/x-www-form-urlencoded'] = { schema: { $ref: `#/components/schemas/${form}` } };
  }
  const codes = new Set<ProblemCode>([
    ...named,
    ...(isOpen ? [] : GUARDED),
    ...more,
    ...(noDatabase ? [] : WITH_DATABASE),
    ...EVERYWHERE,
  ]);
  const said = [...codes].filter((code) => !ownRefusals || problemKind(code).status >= 500);
  Object.assign(operation.responses, problemResponses(said));
  return { ignoresUnknownFields: ownRefusals };
}

function operationId(controller: string, method: string): string {
  return `${controller.replace('Controller', '').toLowerCase()}_${method}`;
}

function addHeader({ responses }: OperationObject, toStatus: RegExp, name: string, header: Header): void {
  for (const [status, answer] of Object.entries(responses)) {
    if (!answer || !('description' in answer) || !toStatus.test(status)) continue;
    answer.headers = { ...answer.headers, [name]: header };
  }
}

function take<T>(extensions: Record<string, unknown>, key: string): T[] {
  const value = extensions[key];
  delete extensions[key];
  return Array.isArray(value) ? (value as T[]) : [];
}

/** A body has no members but these, if others are refused. An answer may gain some, and says nothing. */
function closeRequest({ requestBody }: OperationObject, schemas: Schemas, isOpen: boolean): void {
  if (!requestBody || !('content' in requestBody)) return;
  for (const { schema } of Object.values(requestBody.content)) {
    const name = schema && '$ref' in schema ? schema.$ref.split('/').at(-1)! : '';
    Object.assign(schemas[name] ?? {}, { additionalProperties: isOpen });
  }
}
