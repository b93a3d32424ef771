import { readFileSync } from 'node:fs';
import type { OpenAPIObject } from '@nestjs/swagger';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { Answer } from './http.js';

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;
type Response = Extract<NonNullable<Operation['responses'][string]>, { description: string }>;
type Schema = NonNullable<NonNullable<Response['content']>[string]['schema']>;

/** What an address or a method that is none of the API's is answered with. */
const REFUSAL: Response = {
  description: 'Of no route of the API',
  headers: { 'X-Request-Id': { $ref: '#/components/headers/X-Request-Id' } },
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
};

export interface Sent {
  method: string;
  path: string;
  /** As it was sent; the media type stands in `type`. */
  body?: string | Uint8Array | undefined;
  type?: string | null;
}

/** The start page, Swagger UI, the document itself and the demo, which are about the API and no part of it. */
const PAGES = /^\/((docs|openapi\.json|demo)($|[/?])|$)/;

/**
 * The API as its OpenAPI document says it is. Every answer that a test gets is held to it, and so is every body that
 * was taken: what is accepted is documented.
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

  /** Throws unless the document says that this request may be answered like this. */
  hold(sent: Sent, answer: Answer<unknown>): void {
    const complaints = [...this.complaints(sent, answer)];
    if (complaints.length === 0) return;
    const request = `${sent.method} ${sent.path.slice(0, 100)}`;
    const what = answer.body === undefined ? '' : `\n${JSON.stringify(answer.body).slice(0, 500)}`;
    throw new Error(`${request}, answered ${answer.status}: not as documented\n- ${complaints.join('\n- ')}${what}`);
  }

  private *complaints(sent: Sent, answer: Answer<unknown>): Generator<string> {
    const isGood = answer.status < 400;
    const operation = this.operationOf(sent);
    if (!operation && (PAGES.test(sent.path) || (isGood && sent.method === 'OPTIONS'))) return;
    if (!operation && isGood) return yield 'the route is not in the document';
    const answers = operation?.responses ?? { [answer.status]: REFUSAL };
    const documented = answers[answer.status] as Response | undefined;
    if (!documented) return yield `only ${Object.keys(answers).join(', ')} are documented`;
    yield* this.headerComplaints(documented, answer.headers);
    if (sent.method !== 'HEAD') yield* this.bodyComplaints(documented, answer);
    if (isGood && operation) yield* this.requestComplaints(operation, sent);
  }

  private operationOf({ method, path }: Sent): Operation | undefined {
    const address = path.split('?', 1)[0]!;
    const asked = method === 'HEAD' ? 'GET' : method;
    return this.operations.find((one) => one.method === asked && one.pattern.test(address))?.operation;
  }

  private *headerComplaints({ headers = {} }: Response, given: Headers): Generator<string> {
    for (const [name, documented] of Object.entries(headers)) {
      const header = '$ref' in documented ? this.document.components!.headers![name]! : documented;
      if ('$ref' in header || !header.schema) throw new Error(`The document says nothing of the header ${name}`);
      const value = given.get(name);
      if (value === null && header.required) yield `the header ${name} is missing`;
      if (value === null) continue;
      const isNumber = 'type' in header.schema && header.schema.type === 'integer';
      for (const mismatch of this.mismatches(header.schema, isNumber ? Number(value) : value)) {
        yield `the header ${name}: ${mismatch}`;
      }
    }
  }

  /** Of a body that the document is silent about nothing is asked: `openapi.spec.ts` holds that it is of none of ours that has one. */
  private *bodyComplaints({ content }: Response, { status, headers, body }: Answer<unknown>): Generator<string> {
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
      if (requestBody.required) yield 'it was taken without the body that is documented as required';
      return;
    }
    const isForm = mediaType(type) === 'application/x-www-form-urlencoded';
    const value: unknown = isForm ? Object.fromEntries(new URLSearchParams(text)) : JSON.parse(text);
    const schema = requestBody.content[mediaType(type)]?.schema;
    if (!schema) yield `it was taken with an undocumented content type: ${mediaType(type)}`;
    else for (const mismatch of this.mismatches(schema, value)) yield `what was taken is undocumented: ${mismatch}`;
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

/** The document that is checked in: for processes that cannot be asked for theirs. */
export function trackedApi(): DocumentedApi {
  return (tracked ??= new DocumentedApi(JSON.parse(readFileSync('openapi.json', 'utf8')) as OpenAPIObject));
}

/** A copy in which no object has members beyond the documented ones: the tests know all there is. */
function withoutUnknownMembers(document: OpenAPIObject): OpenAPIObject {
  const close = (_: string, value: Record<string, unknown> | null) =>
    value?.['type'] === 'object' && value['properties'] ? { additionalProperties: false, ...value } : value;
  return JSON.parse(JSON.stringify(document), close) as OpenAPIObject;
}

function mediaType(contentType: string | null | undefined): string {
  return (contentType ?? '').split(';', 1)[0]!.trim().toLowerCase();
}
