import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { closeRequest, completeOperation } from './complete-operation.js';
import { documentedRoutes, operationId, routeOf } from './documented-routes.js';
import { HEADERS, PROBLEM } from './problem-responses.js';
import { securitySchemes } from './security-schemes.js';

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;

/** The OpenAPI document: what the controllers' decorators say, with what guards, parsers and filter add to every route. */
export function createDocument(app: INestApplication): OpenAPIObject {
  const document = SwaggerModule.createDocument(app, introduction(), { operationIdFactory: operationId });
  const schemas = { ...document.components?.schemas, Problem: PROBLEM };
  document.components = { ...document.components, schemas, headers: HEADERS };
  const routes = documentedRoutes(app);
  for (const [address, path] of Object.entries(document.paths)) {
    for (const method of METHODS) {
      const operation = path[method];
      if (!operation) continue;
      const route = routeOf(operation.operationId!, routes);
      completeOperation(operation, route, { method, address });
      closeRequest(operation, route, schemas);
    }
  }
  return document;
}

function introduction(): ReturnType<DocumentBuilder['build']> {
  const builder = new DocumentBuilder()
    .setTitle('Latchkey')
    .setDescription('Sessions for single-page apps: sign in once, stay signed in, revoke everywhere.')
    .setVersion('1')
    .setLicense('MIT', 'https://opensource.org/license/mit')
    .setOpenAPIVersion('3.1.1')
    .addServer('/');
  for (const [name, scheme] of Object.entries(securitySchemes(''))) builder.addSecurity(name, scheme);
  return builder.build();
}
