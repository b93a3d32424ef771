import { applyDecorators } from '@nestjs/common';
import { ApiSecurity, type OpenAPIObject } from '@nestjs/swagger';
import { REFRESH_COOKIE_SCHEME } from './refresh-cookie.js';

type SecurityScheme = NonNullable<NonNullable<OpenAPIObject['components']>['securitySchemes']>[string];

/** An access token, from signing in within Swagger UI or pasted: what every guarded route asks for. */
export const ACCESS_TOKEN = [{ password: [] }, { bearer: [] }];

/**
 * What the Authorize dialog of Swagger UI offers, in this order. It focuses its last form, and scrolls to it: that has to
 * be the sign-in.
 */
export const UI_SCHEMES = ['bearer', 'password'] as const;

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
      description: 'Paste an access token that you have.',
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
