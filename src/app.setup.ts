import cors from '@fastify/cors';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule } from '@nestjs/swagger';
import type { FastifyInstance, RawServerDefault } from 'fastify';
import { refuseMissingHost, refuseRepeatedQuery, registerBodyParsers } from './http/body-parsers.js';
import { Drain } from './http/drain.js';
import { refuseWrongMethods } from './http/method-not-allowed.js';
import { NestLogger } from './http/nest-logger.js';
import { logRequests } from './http/request-log.js';
import { sendSecurityHeaders } from './http/security-headers.js';
import { serverOptions } from './http/server-options.js';
import { validationPipe } from './http/validation.js';
import { measureRequests } from './http/request-metrics.js';
import { Metrics } from './metrics/metrics.js';
import { createDocument } from './openapi/document.js';
import { ProblemFilter } from './problem/problem.filter.js';
import type { Config } from './config/config.js';
import { databaseProblem } from './database/database-errors.js';
import { isDemoBuilt, serveDemo } from './demo/serve-demo.js';
import { serveStartPage } from './demo/serve-start-page.js';
import { wellKnownAlias } from './oauth/server-metadata.js';

/** What `NestFactory` and the tests' `createNestApplication` are given. */
export const appOptions = { bodyParser: false, bufferLogs: true, abortOnError: false } as const;

export function createAdapter(config: Config): FastifyAdapter {
  const rewriteUrl = wellKnownAlias(config.issuer);
  return new FastifyAdapter<RawServerDefault>({ ...serverOptions(config), ...(rewriteUrl && { rewriteUrl }) });
}

/** Everything between the socket and the controllers; `main.ts` and the e2e tests both apply it. */
export async function setupApp(app: NestFastifyApplication, config: Config): Promise<{ drain: Drain }> {
  const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  app.useLogger(new NestLogger(fastify.log));

  logRequests(fastify);
  measureRequests(fastify, app.get(Metrics));
  sendSecurityHeaders(fastify);
  await allowOrigins(fastify, config.corsOrigins);
  const drain = new Drain(fastify);
  fastify.addHook('onRequest', refuseMissingHost);
  fastify.addHook('onRequest', refuseRepeatedQuery);
  refuseWrongMethods(fastify);
  registerBodyParsers(fastify);

  app.useGlobalPipes(validationPipe());
  app.useGlobalFilters(new ProblemFilter([databaseProblem]));
  if (config.swaggerEnabled) serveDocs(app);
  if (!config.isProduction) await serveStartPage(fastify, config);
  if (!config.isProduction && isDemoBuilt()) await serveDemo(fastify);
  return { drain };
}

/** Only these origins, never a reflected one; the client reads these two headers. */
async function allowOrigins(fastify: FastifyInstance, origins: string[]): Promise<void> {
  if (origins.length === 0) return;
  await fastify.register(cors, {
    origin: origins,
    methods: ['GET', 'POST', 'PATCH', 'DELETE'],
    allowedHeaders: ['Authorization', 'Content-Type'],
    exposedHeaders: ['Retry-After', 'X-Request-Id'],
    maxAge: 600,
    // For the refresh cookies of these origins' sessions; others' are refused by `cookies/cross-site.ts`.
    credentials: true,
    strictPreflight: false,
  });
}

function serveDocs(app: NestFastifyApplication): void {
  SwaggerModule.setup('docs', app, () => createDocument(app), {
    jsonDocumentUrl: 'openapi.json',
    raw: ['json'],
    customSiteTitle: 'Latchkey API',
    swaggerOptions: { persistAuthorization: true, tagsSorter: 'alpha' },
  });
}
