import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import helmet from 'helmet';

const SHARED = {
  strictTransportSecurity: { maxAge: 31_536_000, includeSubDomains: true },
  xFrameOptions: { action: 'deny' as const },
};

export const SECURITY_HEADERS = headersOf(
  helmet({
    ...SHARED,
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"], baseUri: ["'none'"], formAction: ["'none'"] },
    },
  }),
);

const DOCS_HEADERS = headersOf(
  helmet({ ...SHARED, contentSecurityPolicy: { directives: { 'upgrade-insecure-requests': null } } }),
);

/**
 * helmet's headers on every answer. The API is not for looking at: its policy allows nothing. Swagger UI is a page and
 * gets helmet's defaults; over plain http on this machine its own files must stay loadable.
 */
export function sendSecurityHeaders(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', async (request, reply) => {
    void reply.headers(/^\/docs(\/|\?|$)/.test(request.url) ? DOCS_HEADERS : SECURITY_HEADERS);
  });
}

/** helmet's answer never changes: it is asked once, not for each request. */
function headersOf(middleware: (request: IncomingMessage, response: ServerResponse, next: () => void) => void) {
  const headers: Record<string, string> = {};
  const response = {
    setHeader: (name: string, value: string) => void (headers[name.toLowerCase()] = value),
    removeHeader: () => {},
  };
  middleware({} as IncomingMessage, response as unknown as ServerResponse, () => {});
  return headers;
}
