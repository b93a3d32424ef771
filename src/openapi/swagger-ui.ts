import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import type { FastifyInstance, onRequestHookHandler } from 'fastify';
import type { Config } from '../config/config.js';
import { withoutOrigin } from '../http/request-target.js';
import { sendProblem } from '../problem/problem.filter.js';
import { Problem } from '../problem/problem.js';
import { createDocument, operationsOf } from './document.js';
import { UI_SCHEMES } from './security-schemes.js';

/** What the page refers to. Nest would serve the whole package, with its package.json and source maps. */
const PAGE_FILES = new Set([
  '/docs',
  ...[
    '',
    'swagger-ui.css',
    'swagger-ui-bundle.js',
    'swagger-ui-standalone-preset.js',
    'swagger-ui-init.js',
    'favicon-32x32.png',
    'favicon-16x16.png',
  ].map((file) => `/docs/${file}`),
]);

/** `GET /openapi.json`, and Swagger UI at `/docs` with its own copy of the document. */
export function serveSwaggerUi(app: NestFastifyApplication, config: Config): void {
  const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  fastify.addHook('onRoute', (route) => {
    if (!route.url.startsWith('/docs')) return;
    route.onRequest = [refuseOtherFiles, ...[route.onRequest ?? []].flat()];
    route.errorHandler = (error, request, reply) => sendProblem(error, request, reply);
  });
  SwaggerModule.setup('docs', app, () => createDocument(app, config), {
    ui: false,
    raw: ['json'],
    jsonDocumentUrl: 'openapi.json',
  });
  SwaggerModule.setup('docs', app, () => withUiSchemes(createDocument(app, config)), {
    raw: false,
    customSiteTitle: 'Latchkey API',
    swaggerOptions: { persistAuthorization: true, tagsSorter: 'alpha' },
  });
}

const refuseOtherFiles: onRequestHookHandler = (request, _reply, next) => {
  const [path = ''] = withoutOrigin(request.url).split('?', 1);
  next(PAGE_FILES.has(path) ? undefined : new Problem('not_found'));
};

/**
 * Without the schemes of clients, scrapers and cookies. Users typed their e-mail address into the form for clients, read
 * "Authorized", and then got 401.
 */
function withUiSchemes(document: OpenAPIObject): OpenAPIObject {
  const all = document.components!.securitySchemes!;
  document.components!.securitySchemes = Object.fromEntries(UI_SCHEMES.map((name) => [name, all[name]!]));
  for (const { operation } of operationsOf(document)) {
    operation.security = operation.security?.filter((names) => Object.keys(names).every(isOffered)) ?? [];
  }
  return document;
}

function isOffered(name: string): boolean {
  return UI_SCHEMES.some((offered) => offered === name);
}
