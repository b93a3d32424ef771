import { SetMetadata } from '@nestjs/common';

export const SETS_REFRESH_COOKIE = 'latchkey:sets-refresh-cookie';

const EXAMPLE = '__Host-latchkey-6f1f3c1f6a10=eyJ…; Max-Age=2592000; Path=/; HttpOnly; Secure; SameSite=Strict';

/** Documents that responses of these statuses can set or clear cookies. */
export const SetsRefreshCookie = (...statuses: number[]): MethodDecorator => SetMetadata(SETS_REFRESH_COOKIE, statuses);

/** OpenAPI has no cookie names that vary: its name is a template, which the description explains. */
export const REFRESH_COOKIE_SCHEME = {
  type: 'apiKey',
  in: 'cookie',
  name: '__Host-latchkey-{last 12 characters of the session id}',
  description:
    'In cookie delivery: the refresh token of a session, in a cookie of its own that the browser sends by itself. ' +
    'Where ISSUER is http://localhost, its name has no `__Host-`. Not for forms. The page has to be of the origin of ' +
    'ISSUER, or of CORS_ORIGINS.',
} as const;

export const SET_COOKIE_HEADER = {
  description:
    'In cookie delivery: sets the refresh token of a session, or clears (`Max-Age=0`) the cookie of a session that is ' +
    'over. A sign-in sets a second cookie, and a reset of the password only this one, `__Host-latchkey-device-…`: it marks a known device, and stays after a ' +
    'logout. There is one header for each cookie.',
  schema: { type: 'string', pattern: '^(__Host-)?latchkey-(device-)?[0-9a-f]{12}=', example: EXAMPLE },
} as const;
