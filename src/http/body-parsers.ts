import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Problem } from '../problem/problem.js';

/** No body of this API comes near it; the largest has two passwords of 512 characters. */
export const BODY_LIMIT = 64 * 1024;
const MAX_DEPTH = 16;
const utf8 = new TextDecoder('utf-8', { fatal: true });
/** For texts in which U+FEFF is a character like any other. */
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Route option of the few routes that take `application/x-www-form-urlencoded` as well as JSON. */
export interface AcceptsForm {
  acceptsForm?: boolean;
}

/** JSON for every route, forms for those that say so, and nothing else. */
export function registerBodyParsers(fastify: FastifyInstance): void {
  const parseJson = fastify.getDefaultJsonParser('error', 'error');
  fastify.removeAllContentTypeParsers();

  fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, raw, done) => {
    // Many clients say JSON and send nothing: to a logout, for one. Where a body is wanted, validation misses it.
    if (raw.length === 0) return done(null, undefined);
    let text: string;
    try {
      text = utf8.decode(raw as Buffer);
    } catch {
      return done(new Problem('malformed_json'));
    }
    if (nestsDeeperThan(MAX_DEPTH, text)) return done(new Problem('body_too_deep'));
    parseJson.call(fastify, request, text, (error, value) => {
      const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
      if (error || !isObject) return done(new Problem('malformed_json'));
      done(null, value);
    });
  });

  fastify.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'buffer' },
    async (request: FastifyRequest, raw: string | Buffer) => {
      if (!(request.routeOptions.config as AcceptsForm).acceptsForm) throw new Problem('unsupported_media_type');
      return parseForm(decodeForm(raw as Buffer));
    },
  );
}

/** HTTP/1.1 wants a Host (RFC 9112 section 3.2). */
export async function refuseMissingHost(request: FastifyRequest): Promise<void> {
  if (request.raw.headers.host === undefined && request.raw.httpVersion === '1.1')
    throw new Problem('malformed_request');
}

/** Refuses `?a=1&a=2`: which of the two counts is what attackers like to choose (OWASP ASVS 5.0 15.3.7). */
export async function refuseRepeatedQuery(request: FastifyRequest): Promise<void> {
  const query = request.query as Record<string, unknown> | null;
  for (const name in query) if (Array.isArray(query[name])) throw new Problem('repeated_parameter');
}

/** Refuses what is no UTF-8, raw or once it is percent-decoded: `URLSearchParams` would read it as U+FFFD. */
function decodeForm(raw: Buffer): string {
  const meant = raw
    .toString('latin1')
    .replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  try {
    strictUtf8.decode(Buffer.from(meant, 'latin1'));
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
