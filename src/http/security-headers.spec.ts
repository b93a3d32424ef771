import Fastify, { type FastifyInstance } from 'fastify';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SECURITY_HEADERS, SecuredResponse } from './security-headers.js';

const CSP = 'content-security-policy';

describe('a secured response', () => {
  let app: FastifyInstance;
  let url: string;
  beforeAll(async () => {
    app = Fastify({ http: { ServerResponse: SecuredResponse } });
    app.get('/json', async () => ({ a: 1 }));
    app.get('/stream', (_request, reply) => reply.send(Readable.from(['a', 'b'])));
    app.get('/raw', (_request, reply) => void reply.hijack().raw.end('raw'));
    app.get('/empty', (_request, reply) => reply.code(204).send());
    app.get('/error', async () => Promise.reject(new Error('no')));
    app.get('/own', async (_request, reply) =>
      reply.header('Content-Security-Policy', "default-src 'self'").send('own'),
    );
    app.get('/own-raw', (_request, reply) => {
      reply.raw.setHeader('X-Frame-Options', 'SAMEORIGIN');
      return reply.send(Readable.from(['own']));
    });
    url = await app.listen();
  });
  afterAll(() => app.close());

  it.each(['/json', '/stream', '/raw', '/empty', '/error', '/none', '/%'])(
    'has every header once: %s',
    async (path) => {
      const { headers } = await fetch(url + path);
      expect(Object.fromEntries(headers)).toMatchObject(SECURITY_HEADERS);
    },
  );

  it('keeps the other headers and the body', async () => {
    const response = await fetch(`${url}/json`);
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(await response.json()).toEqual({ a: 1 });
  });

  it.each([
    ['/own', CSP, "default-src 'self'"],
    ['/own-raw', 'x-frame-options', 'SAMEORIGIN'],
  ])('keeps the header that its route sets: %s', async (path, name, value) => {
    const { headers } = await fetch(url + path);
    expect(Object.fromEntries(headers)).toMatchObject({ ...SECURITY_HEADERS, [name]: value });
  });

  it.each(['/docs', '/demo/x', '/dev?a=1'])('has the policy of its page: %s', async (path) => {
    const { headers } = await fetch(url + path);
    expect(headers.get(CSP)).not.toBe(SECURITY_HEADERS[CSP]);
    expect(headers.get('x-dns-prefetch-control')).toBe('off');
  });
});
