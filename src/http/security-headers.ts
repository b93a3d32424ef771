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

/** The demo's own files, and calls to this server; its forms are sent by its script alone. */
const DEMO_HEADERS = headersOf(
  helmet({
    ...SHARED,
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ['data:'],
        connectSrc: ["'self'"],
        frameAncestors: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        requireTrustedTypesFor: ["'script'"],
      },
    },
  }),
);

const PAGES: Record<string, Record<string, string>> = { docs: DOCS_HEADERS, demo: DEMO_HEADERS };

/**
 * helmet's headers on every answer. The API is not for looking at: its policy allows nothing. Swagger UI is a page and
 * gets helmet's defaults; over plain http on this machine its own files must stay loadable. So is the demo.
 */
export function sendSecurityHeaders(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', async (request, reply) => {
    const page = /^\/(docs|demo)(?:\/|\?|$)/.exec(request.url)?.[1];
    void reply.headers(page ? PAGES[page]! : SECURITY_HEADERS);
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
