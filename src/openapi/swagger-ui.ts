import type { INestApplication } from '@nestjs/common';
import { type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import type { Config } from '../config/config.js';
import { createDocument, operationsOf } from './document.js';
import { UI_SCHEMES } from './security-schemes.js';

/** `GET /openapi.json`, and Swagger UI at `/docs` with its own copy of the document. */
export function serveSwaggerUi(app: INestApplication, config: Config): void {
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
