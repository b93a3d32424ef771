import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { CATALOGUE, problemKind, type ProblemCode } from '../problem/catalogue.js';

type OperationObject = NonNullable<OpenAPIObject['paths'][string]['get']>;
type SchemaObject = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>[string];

/** What any route can answer with. */
const EVERYWHERE: ProblemCode[] = ['malformed_request', 'repeated_parameter', 'internal_error', 'shutting_down'];
const WITH_DATABASE: ProblemCode[] = ['database_unavailable'];
const WITH_BODY: ProblemCode[] = ['malformed_json', 'body_too_deep', 'payload_too_large', 'unsupported_media_type'];
const GUARDED: ProblemCode[] = [
  'access_token_missing',
  'access_token_invalid',
  'access_token_expired',
  'access_token_outdated',
  'session_revoked',
];

const PROBLEM: SchemaObject = {
  type: 'object',
  description: 'RFC 9457, with a stable code.',
  required: ['type', 'title', 'status', 'detail', 'code', 'requestId', 'terminal'],
  properties: {
    type: { type: 'string', example: 'urn:latchkey:problem:session_revoked' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string', enum: Object.keys(CATALOGUE) },
    requestId: { type: 'string' },
    terminal: { type: 'boolean', description: 'true: drop the credentials and sign in again.' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['field', 'message'],
        properties: { field: { type: 'string' }, message: { type: 'string' } },
      },
    },
    session_id: { type: 'string', format: 'uuid', description: 'The session a terminal answer is about.' },
    reason: { type: 'string', description: 'Why the session ended.' },
  },
};

/** The OpenAPI document: what the decorators say, and what the guards and the error catalogue do anyway. */
export function createDocument(app: INestApplication): OpenAPIObject {
  const builder = new DocumentBuilder()
    .setTitle('Latchkey')
    .setDescription('Sessions for single-page apps: sign in once, stay signed in, end it everywhere.')
    .setVersion('1')
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
    .build();
  const document = SwaggerModule.createDocument(app, builder, {
    operationIdFactory: (controller, method) => `${controller.replace('Controller', '').toLowerCase()}_${method}`,
  });
  document.components = { ...document.components, schemas: { ...document.components?.schemas, Problem: PROBLEM } };
  for (const path of Object.values(document.paths)) {
    for (const operation of [path.get, path.post, path.patch, path.delete]) if (operation) complete(operation);
  }
  return document;
}

/** Turns our own extensions (`@Public`, `@Problems`, `@NoDatabase`, `@AlsoForm`) into what OpenAPI calls them. */
function complete(operation: OperationObject): void {
  const extensions = operation as unknown as Record<string, unknown>;
  const isOpen = take<boolean>(extensions, 'x-public').length > 0;
  const [form] = take<string>(extensions, 'x-form');
  const named = Object.keys(extensions)
    .filter((key) => key.startsWith('x-problems-'))
    .flatMap((key) => take<ProblemCode>(extensions, key));
  const noDatabase = take<boolean>(extensions, 'x-no-database').length > 0;

  operation.security = isOpen ? [] : [{ password: [] }, { bearer: [] }];
  const body = operation.requestBody;
  if (form && body && 'content' in body) {
    body.content['application/x-www-form-urlencoded'] = { schema: { $ref: `#/components/schemas/${form}` } };
  }
  const codes = new Set<ProblemCode>([
    ...named,
    ...(isOpen ? [] : GUARDED),
    ...(body ? WITH_BODY : []),
    ...(noDatabase ? [] : WITH_DATABASE),
    ...EVERYWHERE,
  ]);
  for (const [status, answers] of Object.entries(byStatus([...codes]))) {
    operation.responses[status] = {
      description: answers.map((code) => `\`${code}\``).join(', '),
      content: {
        'application/problem+json': {
          schema: { $ref: '#/components/schemas/Problem' },
          examples: Object.fromEntries(answers.map((code) => [code, { value: example(code) }])),
        },
      },
    };
  }
}

function take<T>(extensions: Record<string, unknown>, key: string): T[] {
  const value = extensions[key];
  delete extensions[key];
  return Array.isArray(value) ? (value as T[]) : [];
}

function byStatus(codes: ProblemCode[]): Record<string, ProblemCode[]> {
  const groups: Record<string, ProblemCode[]> = {};
  for (const code of codes) (groups[problemKind(code).status] ??= []).push(code);
  return groups;
}

function example(code: ProblemCode) {
  const { status, title, detail, terminal = false } = problemKind(code);
  const requestId = '0b5e2f6e-3c1d-4b52-9a64-6f1f3c1f6a10';
  return { type: `urn:latchkey:problem:${code}`, title, status, detail, code, requestId, terminal };
}
