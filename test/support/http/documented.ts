import { readFileSync } from 'node:fs';
import type { OpenAPIObject } from '@nestjs/swagger';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { HttpResponse } from './http.js';

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;
type DocumentedResponse = Extract<NonNullable<Operation['responses'][string]>, { description: string }>;
type Schema = NonNullable<NonNullable<DocumentedResponse['content']>[string]['schema']>;

/** The response for an unknown path, or for a method that the path does not have. */
const UNKNOWN_ROUTE: DocumentedResponse = {
  description: 'Unknown route',
  headers: { 'X-Request-Id': { $ref: '#/components/headers/X-Request-Id' } },
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
};

export interface Sent {
  method: string;
  path: string;
  /** The bytes of the request body; `type` has its media type. */
  body?: string | Uint8Array | undefined;
  type?: string | null;
}

/** The start page, Swagger UI, the document itself, the demo and the mail of developers: about the API and no part of it. */
const PAGES = /^\/((docs|openapi\.json|demo|dev)($|[/?])|$)/;

/**
 * The API as its OpenAPI document describes it. Every response that a test receives is checked against it, and every
 * accepted request body too: the server accepts nothing undocumented.
 */
export class DocumentedApi {
  private readonly document: OpenAPIObject;
  private readonly operations: { method: string; pattern: RegExp; operation: Operation }[];
  private readonly validators = new Map<Schema, ValidateFunction>();
  private readonly ajv = new Ajv2020({ allErrors: true, strictTypes: false, validateSchema: false });

  constructor(document: OpenAPIObject) {
    addFormats.default(this.ajv);
    this.ajv.addFormat('idn-email', /^\S+@[^\s@]+$/u);
    this.ajv.addVocabulary(['components', 'example']);
    this.document = withoutUnknownMembers(document);
    this.operations = Object.entries(this.document.paths).flatMap(([path, item]) =>
      Object.entries(item as Record<string, Operation>).map(([method, operation]) => ({
        method: method.toUpperCase(),
        pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
        operation,
      })),
    );
  }

  /** Throws unless the document allows this response to this request. */
  assertDocumented(sent: Sent, response: HttpResponse<unknown>): void {
    const complaints = [...this.complaints(sent, response)];
    if (complaints.length === 0) return;
    const request = `${sent.method} ${sent.path.slice(0, 100)}`;
    const what = response.body === undefined ? '' : `\n${JSON.stringify(response.body).slice(0, 500)}`;
    throw new Error(`${request}: response ${response.status} is not documented\n- ${complaints.join('\n- ')}${what}`);
  }

  private *complaints(sent: Sent, response: HttpResponse<unknown>): Generator<string> {
    const isGood = response.status < 400;
    const operation = this.operationOf(sent);
    if (!operation && (PAGES.test(sent.path) || (isGood && sent.method === 'OPTIONS'))) return;
    if (!operation && isGood) return yield 'the route is not in the document';
    const responses = operation?.responses ?? { [response.status]: UNKNOWN_ROUTE };
    const documented = responses[response.status] as DocumentedResponse | undefined;
    if (!documented) return yield `only ${Object.keys(responses).join(', ')} are documented`;
    yield* this.headerComplaints(documented, response.headers);
    if (sent.method !== 'HEAD') yield* this.bodyComplaints(documented, response);
    if (isGood && operation) yield* this.requestComplaints(operation, sent);
  }

  private operationOf({ method, path }: Sent): Operation | undefined {
    const address = path.split('?', 1)[0]!;
    const asked = method === 'HEAD' ? 'GET' : method;
    return this.operations.find((one) => one.method === asked && one.pattern.test(address))?.operation;
  }

  private *headerComplaints({ headers = {} }: DocumentedResponse, given: Headers): Generator<string> {
    if (given.has('set-cookie') && !headers['Set-Cookie']) yield 'the header Set-Cookie is not documented';
    for (const [name, documented] of Object.entries(headers)) {
      const header = '$ref' in documented ? this.document.components!.headers![name]! : documented;
      if ('$ref' in header || !header.schema) throw new Error(`The document does not describe the header ${name}`);
      const value = given.get(name);
      if (value === null && header.required) yield `the header ${name} is missing`;
      if (value === null) continue;
      const isNumber = 'type' in header.schema && header.schema.type === 'integer';
      for (const mismatch of this.mismatches(header.schema, isNumber ? Number(value) : value)) {
        yield `the header ${name}: ${mismatch}`;
      }
    }
  }

  /** Skips responses without a documented body; `openapi.spec.ts` checks that every body of the API is documented. */
  private *bodyComplaints(
    { content }: DocumentedResponse,
    { status, headers, body }: HttpResponse<unknown>,
  ): Generator<string> {
    if (status === 204 && body !== undefined) yield 'it has a body';
    if (!content) return;
    const type = mediaType(headers.get('content-type'));
    const schema = content[type]?.schema;
    if (schema) yield* this.mismatches(schema, body);
    else yield `its content type is ${type || 'missing'}, not ${Object.keys(content).join(' or ')}`;
  }

  private *requestComplaints({ requestBody }: Operation, { body, type }: Sent): Generator<string> {
    if (!requestBody || '$ref' in requestBody) return;
    const text = body === undefined ? '' : Buffer.from(body as string).toString();
    if (text === '') {
      if (requestBody.required) yield 'it was accepted without the body that is documented as required';
      return;
    }
    const isForm = mediaType(type) === 'application/x-www-form-urlencoded';
    const value: unknown = isForm ? Object.fromEntries(new URLSearchParams(text)) : JSON.parse(text);
    const schema = requestBody.content[mediaType(type)]?.schema;
    if (!schema) yield `it was accepted with an undocumented content type: ${mediaType(type)}`;
    else for (const mismatch of this.mismatches(schema, value)) yield `the accepted body is undocumented: ${mismatch}`;
  }

  private *mismatches(schema: Schema, value: unknown): Generator<string> {
    let validate = this.validators.get(schema);
    if (!validate) {
      validate = this.ajv.compile({ ...schema, components: this.document.components });
      this.validators.set(schema, validate);
    }
    if (validate(value)) return;
    for (const { instancePath, message, params } of validate.errors ?? []) {
      yield `${instancePath || 'all of it'} ${message} ${JSON.stringify(params)}`;
    }
  }
}

let tracked: DocumentedApi | undefined;

/** The checked-in document, for servers that run in another process. */
export function trackedApi(): DocumentedApi {
  return (tracked ??= new DocumentedApi(JSON.parse(readFileSync('openapi.json', 'utf8')) as OpenAPIObject));
}

/** A copy in which no object allows members beyond the documented ones. */
function withoutUnknownMembers(document: OpenAPIObject): OpenAPIObject {
  const close = (_: string, value: Record<string, unknown> | null) =>
    value?.['type'] === 'object' && value['properties'] ? { additionalProperties: false, ...value } : value;
  return JSON.parse(JSON.stringify(document), close) as OpenAPIObject;
}

function mediaType(contentType: string | null | undefined): string {
  return (contentType ?? '').split(';', 1)[0]!.trim().toLowerCase();
}
