import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { Problem } from '../problem/problem.js';
import { findJsonRefusal, MAX_MEMBERS } from './json-limits.js';

/** The largest body of this API has two passwords of 512 characters. */
export const BODY_LIMIT = 64 * 1024;
const utf8 = new TextDecoder('utf-8', { fatal: true });
/** Keeps U+FEFF at the beginning as a character. */
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Route option of the few routes that take `application/x-www-form-urlencoded` as well as JSON. */
interface AcceptsForm {
  acceptsForm?: boolean;
}

/** JSON for every route, forms for those with `acceptsForm`, and nothing else. */
export const bodyParsers = fp(
  (fastify, _options, done) => {
    const parseDefaultJson = fastify.getDefaultJsonParser('error', 'error');
    fastify.removeAllContentTypeParsers();
    fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, raw, parsed) => {
      if (isEncoded(request)) return parsed(new Problem('unsupported_media_type'));
      parseJson(parseDefaultJson.bind(fastify, request), raw as Buffer, parsed);
    });
    fastify.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'buffer' },
      async (request: FastifyRequest, raw: string | Buffer) => {
        if (isEncoded(request)) throw new Problem('unsupported_media_type');
        if (!(request.routeOptions.config as AcceptsForm).acceptsForm) throw new Problem('unsupported_media_type');
        return parseForm(decodeForm(raw as Buffer));
      },
    );
    done();
  },
  { name: 'body-parsers' },
);

/** Compressed, for example: a small body could become a large one. */
function isEncoded({ headers }: FastifyRequest): boolean {
  const { 'content-encoding': encoding = 'identity' } = headers;
  return encoding.toLowerCase() !== 'identity';
}

type Parsed = (error: Error | null, body?: unknown) => void;
type JsonParser = (text: string, parsed: Parsed) => void;

/** Takes only objects. Clients that declare JSON and send nothing are common; validation reports what is missing. */
function parseJson(parse: JsonParser, raw: Buffer, parsed: Parsed): void {
  if (raw.length === 0) return parsed(null, undefined);
  const text = decodeUtf8(raw);
  if (text === null) return parsed(new Problem('malformed_json'));
  const refusal = findJsonRefusal(text);
  if (refusal) return parsed(new Problem(refusal));
  parse(text, (error, value) => {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    if (error || !isObject) return parsed(new Problem('malformed_json'));
    parsed(null, value);
  });
}

function decodeUtf8(raw: Buffer): string | null {
  try {
    return utf8.decode(raw);
  } catch {
    return null;
  }
}

/** Refuses invalid UTF-8, raw or percent-encoded: `URLSearchParams` would replace it by U+FFFD. */
function decodeForm(raw: Buffer): string {
  const decoded = raw
    .toString('latin1')
    .replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  try {
    strictUtf8.decode(Buffer.from(decoded, 'latin1'));
    return strictUtf8.decode(raw);
  } catch {
    throw new Problem('malformed_request');
  }
}

function parseForm(text: string): Record<string, string> {
  const form: Record<string, string> = {};
  if (hasMoreFieldsThan(MAX_MEMBERS, text)) throw new Problem('too_many_members');
  for (const [name, value] of new URLSearchParams(text)) {
    if (name === '__proto__') throw new Problem('malformed_request');
    if (Object.hasOwn(form, name)) throw new Problem('repeated_parameter');
    form[name] = value;
  }
  return form;
}

/** Empty fields count, because they cost the same. */
function hasMoreFieldsThan(limit: number, form: string): boolean {
  let fields = 1;
  for (let at = form.indexOf('&'); at !== -1; at = form.indexOf('&', at + 1)) if (++fields > limit) return true;
  return false;
}
