import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import type { Config } from '../config/config.js';
import { closeRequest, completeOperation, type OperationObject, type Place } from './complete-operation.js';
import { documentedRoutes, operationId, routeOf } from './documented-routes.js';
import { HEADERS, PROBLEM } from './problem-responses.js';
import { securitySchemes } from './security-schemes.js';

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;

/** The OpenAPI document: what the controllers' decorators say, with what guards, parsers and filter add to every route. */
export function createDocument(app: INestApplication, { issuer }: Pick<Config, 'issuer'>): OpenAPIObject {
  const document = SwaggerModule.createDocument(app, introduction(pathOf(issuer)), { operationIdFactory: operationId });
  const schemas = { ...document.components?.schemas, Problem: PROBLEM };
  document.components = { ...document.components, schemas, headers: HEADERS };
  const routes = documentedRoutes(app);
  for (const { operation, ...place } of operationsOf(document)) {
    const route = routeOf(operation.operationId!, routes);
    completeOperation(operation, route, place);
    closeRequest(operation, route, schemas);
  }
  return document;
}

/** Every operation of a document, and where it stands. */
export function operationsOf({ paths }: OpenAPIObject): (Place & { operation: OperationObject })[] {
  return Object.entries(paths).flatMap(([address, path]) =>
    METHODS.flatMap((method) => (path[method] ? [{ address, method, operation: path[method] }] : [])),
  );
}

/** @param path where the API is, on the host that serves the document */
function introduction(path: string): ReturnType<DocumentBuilder['build']> {
  const builder = new DocumentBuilder()
    .setTitle('Latchkey')
    .setDescription('Sessions for single-page apps: sign in once, stay signed in, revoke everywhere.')
    .setVersion('1')
    .setLicense('MIT', 'https://opensource.org/license/mit')
    .setOpenAPIVersion('3.1.1')
    .addServer(path || '/');
  for (const [name, scheme] of Object.entries(securitySchemes(path))) builder.addSecurity(name, scheme);
  return builder.build();
}

/** Without a slash at its end. A proxy takes it off each request, so that the routes do not have it. */
function pathOf(issuer: string): string {
  const { pathname } = new URL(issuer);
  return pathname === '/' ? '' : pathname;
}
