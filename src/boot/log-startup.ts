import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyBaseLogger } from 'fastify';
import type { Config } from '../config/config.js';
import { isDemoBuilt } from '../demo/serve-demo.js';

/** The last words of a start: where it listens, and what is worth knowing about how. */
export function logStartup(app: NestFastifyApplication, config: Config): void {
  const { log, server } = app.getHttpAdapter().getInstance() as unknown as {
    log: FastifyBaseLogger;
    server: { address(): { port: number } };
  };
  const host = config.host.includes(':') ? `[${config.host}]` : config.host;
  const url = `http://${host}:${server.address().port}`;
  const database = config.database.kind === 'sqlite' ? `SQLite (${config.database.file})` : 'PostgreSQL';
  log.info(`Latchkey listens on ${url}, on ${database}`);
  if (config.swaggerEnabled) log.info(`Swagger UI: ${url}/docs`);
  if (!config.isProduction && isDemoBuilt()) log.info(`Demo: ${whereCookiesWork(config.issuer, url)}/demo`);
  if (config.isProduction && config.issuer.startsWith('http://')) {
    log.warn(`ISSUER is ${config.issuer}: set it to the https address that browsers reach this server under`);
  }
}

/** The address that cookies belong to, where it leads here. */
function whereCookiesWork(issuer: string, url: string): string {
  const { hostname, port } = new URL(issuer);
  return hostname === 'localhost' && port === new URL(url).port ? issuer : url;
}
