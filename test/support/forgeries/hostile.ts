import type { ProblemCode } from '../../../src/problem/catalogue.js';

type Case<Sent> = [what: string, sent: Sent, status: number, code: ProblemCode];

const json = (body: string | Buffer) => ({ type: 'application/json', body });

/** Bodies that every route refuses. */
export const BAD_BODIES: Case<{ type?: string; body: string | Buffer }>[] = [
  ['broken JSON', json('{"email": "a@example.com"'), 400, 'malformed_json'],
  ['blanks', json('  '), 400, 'malformed_json'],
  ['an array', json('[{}]'), 400, 'malformed_json'],
  ['null', json('null'), 400, 'malformed_json'],
  ['a number', json('1e400'), 400, 'malformed_json'],
  ['a string', json('"text"'), 400, 'malformed_json'],
  ['invalid UTF-8', json(Buffer.from('{"name":"\xff\xfe"}', 'latin1')), 400, 'malformed_json'],
  ['a __proto__ key (prototype pollution)', json('{"__proto__":{"roles":["admin"]}}'), 400, 'malformed_json'],
  [
    'a constructor key (prototype pollution)',
    json('{"constructor":{"prototype":{"roles":["admin"]}}}'),
    400,
    'malformed_json',
  ],
  ['5,000 brackets', json(`{"name":${'['.repeat(5000)}${']'.repeat(5000)}}`), 400, 'body_too_deep'],
  ['5,000 braces', json(`${'{"name":'.repeat(5000)}1${'}'.repeat(5000)}`), 400, 'body_too_deep'],
  ['a megabyte', json(`{"name":"${'a'.repeat(1024 * 1024)}"}`), 413, 'payload_too_large'],
  ['a string of 100 kB', json(`{"name":"${'a'.repeat(100_000)}"}`), 413, 'payload_too_large'],
  ['plain text', { type: 'text/plain', body: '{}' }, 415, 'unsupported_media_type'],
  ['multipart', { type: 'multipart/form-data; boundary=x', body: '--x--' }, 415, 'unsupported_media_type'],
  ['almost JSON', { type: 'application/jsonp', body: '{}' }, 415, 'unsupported_media_type'],
  ['a body without a media type', { body: Buffer.from('{}') }, 415, 'unsupported_media_type'],
];

const post = (headers: string, body: string) =>
  `POST /auth/logout HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nConnection: close\r\n${headers}\r\n\r\n${body}`;
const get = (path: string, headers: string = '') =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${headers}\r\n`;

/** Malformed requests, request smuggling included. */
export const BAD_REQUESTS: Case<string>[] = [
  ['no HTTP at all', 'hello\r\n\r\n', 400, 'malformed_request'],
  ['TLS', '\x16\x03\x01\x02\x00\x01', 400, 'malformed_request'],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'malformed_request'],
  ['an unknown method', 'FOO / HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'malformed_request'],
  ['NUL in the path', get('/\0'), 400, 'malformed_request'],
  ['NUL in a header', get('/health/live', 'X: a\0b\r\n'), 400, 'malformed_request'],
  ['a header without a colon', get('/health/live', 'nonsense\r\n'), 400, 'malformed_request'],
  ['no Host', 'GET /health/live HTTP/1.1\r\nConnection: close\r\n\r\n', 400, 'malformed_request'],
  ['headers of 20 kB', get('/health/live', `X: ${'a'.repeat(20_000)}\r\n`), 431, 'headers_too_large'],
  ['a path of 20 kB', get(`/${'a'.repeat(20_000)}`), 431, 'headers_too_large'],
  [
    'Content-Length and Transfer-Encoding (request smuggling)',
    post('Content-Length: 2\r\nTransfer-Encoding: chunked', '0\r\n\r\n'),
    400,
    'malformed_request',
  ],
  ['two equal Content-Length headers', post('Content-Length: 2\r\nContent-Length: 2', '{}'), 400, 'malformed_request'],
  [
    'two different Content-Length headers (request smuggling)',
    post('Content-Length: 2\r\nContent-Length: 3', '{} '),
    400,
    'malformed_request',
  ],
  ['a negative Content-Length', post('Content-Length: -2', '{}'), 400, 'malformed_request'],
  ['a Content-Length in words', post('Content-Length: two', '{}'), 400, 'malformed_request'],
  ['an unknown transfer coding', post('Transfer-Encoding: gzip', '{}'), 400, 'malformed_request'],
  ['a chunk of no size', post('Transfer-Encoding: chunked', 'zz\r\n{}\r\n0\r\n\r\n'), 400, 'malformed_request'],
  ['TRACE', 'TRACE /auth/login HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 405, 'method_not_allowed'],
  ['OPTIONS *', 'OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 404, 'not_found'],
];

/** PostgreSQL cannot store these: NUL and lone surrogates. */
export const UNSTORABLE = ['\u0000', 'a\u0000b', '\ud800', 'a\udfffb', '\udc00\ud800'];

/** SQL injections: harmless only as statement parameters. */
export const INJECTIONS = [
  `' OR '1'='1`,
  `"; DROP TABLE users; --`,
  `'); DELETE FROM users; --`,
  `\\'; SELECT 1 --`,
  '%_',
];

/** The properties that every object inherits from Object.prototype. */
export const NAMES_OF_EVERY_OBJECT = Object.getOwnPropertyNames(Object.prototype).filter((n) => n !== '__proto__');
