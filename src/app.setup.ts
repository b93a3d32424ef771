import { isatty } from 'node:tty';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, RawServerDefault } from 'fastify';
import type { Config } from './config/config.js';
import { isDemoBuilt, serveDemo } from './demo/serve-demo.js';
import { serveStartPage } from './demo/serve-start-page.js';
import { bodyParsers } from './http/body-parsers.js';
import { connectionDraining } from './http/connection-draining.js';
import { connectionLimits } from './http/connection-limits.js';
import { cors } from './http/cors.js';
import { forwardedWarning } from './http/forwarded-warning.js';
import { LogDestination } from './http/log-destination.js';
import { methodNotAllowed } from './http/method-not-allowed.js';
import { NestLogger } from './http/nest-logger.js';
import { requestCompletion } from './http/request-completion.js';
import { requestId, requestLog } from './http/request-log.js';
import { requestMetrics } from './metrics/request-metrics.js';
import { serverOptions } from './http/server-options.js';
import { strictRequests } from './http/strict-requests.js';
import { validationPipe } from './http/validation.js';
import { DevMailbox } from './mail/dev-mailbox.js';
import { serveDevMail } from './mail/serve-dev-mail.js';
import { Metrics } from './metrics/metrics.js';
import { wellKnownAlias } from './oauth/metadata.controller.js';
import { serveSwaggerUi } from './openapi/swagger-ui.js';
import { giveBackPoints } from './rate-limits/give-back-points.js';
import { RateLimits } from './rate-limits/rate-limits.service.js';

const STDOUT = 1;

declare module 'fastify' {
  interface FastifyInstance {
    logDestination: LogDestination;
  }
}

/** The options of `NestFactory.create`, and of `createNestApplication` in the tests. */
export const appOptions = { bodyParser: false, bufferLogs: true, abortOnError: false } as const;

/** @param worker its number, where there are several */
export function createAdapter(config: Config, worker?: number): FastifyAdapter {
  const rewriteUrl = wellKnownAlias(config.issuer);
  const logDestination = new LogDestination(isatty(STDOUT) && !config.isProduction);
  const options = { ...serverOptions(config, logDestination, worker), ...(rewriteUrl && { rewriteUrl }) };
  const adapter = new FastifyAdapter<RawServerDefault>(options);
  adapter.getInstance().decorate('logDestination', logDestination);
  return adapter;
}

/** Everything between the socket and the controllers, for `main.ts` and the tests. */
export async function setupApp(app: NestFastifyApplication, config: Config): Promise<void> {
  const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  app.useLogger(new NestLogger(fastify.log));
  await registerPlugins(fastify, config, app);
  app.useGlobalPipes(validationPipe());
  if (config.swaggerEnabled) serveSwaggerUi(app, config);
  if (!config.isProduction) await serveStartPage(fastify, config);
  if (!config.isProduction && isDemoBuilt()) await serveDemo(fastify);
  if (config.servesDevMail) await serveDevMail(fastify, app.get(DevMailbox));
}

/** Each plugin declares the plugins it depends on: Fastify refuses another order. */
async function registerPlugins(fastify: FastifyInstance, config: Config, app: NestFastifyApplication): Promise<void> {
  const metrics = app.get(Metrics);
  const limits = app.get(RateLimits);
  const { logDestination } = fastify;
  await fastify
    .register(connectionLimits)
    .register(requestCompletion)
    .register(requestId)
    .register(requestLog, { logDestination })
    .register(requestMetrics, { metrics, logDestination })
    .register(giveBackPoints, { limits })
    .register(forwardedWarning, { trustsProxy: config.trustProxy !== false })
    .register(cors, { origins: config.corsOrigins })
    .register(connectionDraining)
    .register(strictRequests)
    .register(methodNotAllowed)
    .register(bodyParsers);
}
