import { ServerResponse, type IncomingMessage } from 'node:http';
import helmet from 'helmet';

const SHARED = {
  strictTransportSecurity: { maxAge: 31_536_000, includeSubDomains: true },
  xFrameOptions: { action: 'deny' as const },
};

/** They concern documents: a response in JSON has no links to prefetch, no plug-ins and no scripts. */
const WITHOUT_THOSE_OF_PAGES = {
  originAgentCluster: false,
  xDnsPrefetchControl: false,
  xDownloadOptions: false,
  xPermittedCrossDomainPolicies: false,
  xXssProtection: false,
} as const;

export const SECURITY_HEADERS = headersOf(
  helmet({
    ...SHARED,
    ...WITHOUT_THOSE_OF_PAGES,
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

const PAGES: Record<string, PreparedHeaders> = {
  docs: prepared(DOCS_HEADERS),
  demo: prepared(DEMO_HEADERS),
  dev: prepared(DEV_HEADERS),
};
const API = prepared(SECURITY_HEADERS);

interface PreparedHeaders {
  headers: Record<string, string>;
  names: string[];
  /** As they stand in the head of a response. */
  lines: string;
}

/**
 * A response with helmet's headers, whoever sends it. The API's policy allows nothing. Swagger UI is a page: it gets helmet's
 * defaults, but its files must also load over plain http on this machine. The demo and `/dev/mail` have policies of their own.
 * A header that a route sets itself takes precedence.
 *
 * Node would check, sort and join these headers for each response, and they never change: they are appended to the head as one
 * text. `_header` is that head before it is sent, and not documented; tests read it back from the socket.
 */
export class SecuredResponse<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
  override writeHead(status: number, ...more: never[]): this {
    super.writeHead(status, ...more);
    const { headers, names, lines } = headersOfPage(this.req.url);
    // Fastify passes its headers as an object, by their names in lower case.
    const given: object = more.at(-1) ?? {};
    const isOwn = (name: string) => (typeof given === 'object' && name in given) || this.hasHeader(name);
    const head = this as unknown as { _header: string };
    head._header =
      head._header.slice(0, -END.length) + (names.some(isOwn) ? linesOf(headers, (name) => !isOwn(name)) : lines) + END;
    return this;
  }
}

const END = '\r\n';

function headersOfPage(url: string = ''): PreparedHeaders {
  const page = /^\/(docs|demo|dev)(?:\/|\?|$)/.exec(url)?.[1];
  return page ? PAGES[page]! : API;
}

function prepared(headers: Record<string, string>): PreparedHeaders {
  return { headers, names: Object.keys(headers), lines: linesOf(headers, () => true) };
}

function linesOf(headers: Record<string, string>, isWanted: (name: string) => boolean): string {
  return Object.entries(headers)
    .filter(([name]) => isWanted(name))
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
}

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
