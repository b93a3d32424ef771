import { applyDecorators } from '@nestjs/common';
import { ApiSecurity, type OpenAPIObject } from '@nestjs/swagger';
import { REFRESH_COOKIE_SCHEME } from './refresh-cookie.js';

type SecurityScheme = NonNullable<NonNullable<OpenAPIObject['components']>['securitySchemes']>[string];

/** An access token, from signing in within Swagger UI or pasted: what every guarded route asks for. */
export const ACCESS_TOKEN = [{ password: [] }, { bearer: [] }];

/** Of the schemes, those that a user of Swagger UI can do something with. */
export const UI_SCHEMES: readonly string[] = ['password', 'bearer'];

/** @param path the path of ISSUER, without a slash at its end */
export function securitySchemes(path: string) {
  return {
    password: {
      type: 'oauth2',
      description: 'Sign in here: username is your e-mail address; leave client_id and client_secret empty.',
      flows: { password: { tokenUrl: `${path}/auth/login`, scopes: {} } },
    },
    bearer: {
      type: 'http',
      scheme: 'bearer',
      bearerFormat: 'JWT',
      description: 'Or paste an access token.',
    },
    metrics: { type: 'http', scheme: 'bearer', description: 'METRICS_TOKEN, where it is set.' },
    client: { type: 'http', scheme: 'basic', description: 'One of INTROSPECTION_CLIENTS.' },
    cookie: REFRESH_COOKIE_SCHEME,
  } as const satisfies Record<string, SecurityScheme>;
}

type SchemeName = keyof ReturnType<typeof securitySchemes>;

/** For a public route that takes one of these credentials, or none. */
export const OptionalSecurity = (...names: SchemeName[]): MethodDecorator =>
  applyDecorators(ApiSecurity({}), ...names.map((name) => ApiSecurity(name)));
