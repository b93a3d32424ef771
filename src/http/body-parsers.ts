import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { Problem } from '../problem/problem.js';

/** The largest body of this API has two passwords of 512 characters. */
export const BODY_LIMIT = 64 * 1024;
const MAX_DEPTH = 16;
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
      parseJson(parseDefaultJson.bind(fastify, request), raw as Buffer, parsed);
    });
    fastify.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'buffer' },
      async (request: FastifyRequest, raw: string | Buffer) => {
        if (!(request.routeOptions.config as AcceptsForm).acceptsForm) throw new Problem('unsupported_media_type');
        return parseForm(decodeForm(raw as Buffer));
      },
    );
    done();
  },
  { name: 'body-parsers' },
);

type Parsed = (error: Error | null, body?: unknown) => void;
type JsonParser = (text: string, parsed: Parsed) => void;

/** Takes only objects. Clients that declare JSON and send nothing are common; validation reports what is missing. */
function parseJson(parse: JsonParser, raw: Buffer, parsed: Parsed): void {
  if (raw.length === 0) return parsed(null, undefined);
  const text = decodeUtf8(raw);
  if (text === null) return parsed(new Problem('malformed_json'));
  if (nestsDeeperThan(MAX_DEPTH, text)) return parsed(new Problem('body_too_deep'));
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
  for (const [name, value] of new URLSearchParams(text)) {
    if (name === '__proto__') throw new Problem('malformed_request');
    if (Object.hasOwn(form, name)) throw new Problem('repeated_parameter');
    form[name] = value;
  }
  return form;
}

/** Counts brackets outside strings, before anything recursive sees the text. */
function nestsDeeperThan(limit: number, json: string): boolean {
  let depth = 0;
  for (let i = 0, inString = false; i < json.length; i++) {
    const c = json.charCodeAt(i);
    if (inString) {
      if (c === 0x5c) i++;
      else if (c === 0x22) inString = false;
    } else if (c === 0x22) inString = true;
    else if (c === 0x7b || c === 0x5b) {
      if (++depth > limit) return true;
    } else if (c === 0x7d || c === 0x5d) depth--;
  }
  return false;
}
