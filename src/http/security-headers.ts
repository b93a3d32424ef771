import type { IncomingMessage, ServerResponse } from 'node:http';
import fp from 'fastify-plugin';
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

/** The demo's own files, and calls to this server. Only its script sends its forms. */
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

/** Mail that is shown to developers: styles alone. A frame with the HTML of a mail inherits this policy. */
const DEV_HEADERS = headersOf(
  helmet({
    ...SHARED,
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        styleSrc: ["'unsafe-inline'"],
        frameAncestors: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
      },
    },
  }),
);

const PAGES: Record<string, Record<string, string>> = { docs: DOCS_HEADERS, demo: DEMO_HEADERS, dev: DEV_HEADERS };

/**
 * helmet's headers on every response. The API's policy allows nothing. Swagger UI is a page: it gets helmet's defaults, but
 * its files must also load over plain http on this machine. The demo and `/dev/mail` have policies of their own.
 */
export const securityHeaders = fp(
  (fastify, _options, done) => {
    fastify.addHook('onRequest', (request, reply, next) => {
      const page = /^\/(docs|demo|dev)(?:\/|\?|$)/.exec(request.url)?.[1];
      void reply.headers(page ? PAGES[page]! : SECURITY_HEADERS);
      next();
    });
    done();
  },
  { name: 'security-headers' },
);

/** helmet's headers never change: they are computed once, not for each request. */
function headersOf(middleware: (request: IncomingMessage, response: ServerResponse, next: () => void) => void) {
  const headers: Record<string, string> = {};
  const response = {
    setHeader: (name: string, value: string) => void (headers[name.toLowerCase()] = value),
    removeHeader: () => {},
  };
  middleware({} as IncomingMessage, response as unknown as ServerResponse, () => {});
  return headers;
}
