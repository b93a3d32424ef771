import { article } from './article/subject.mjs';
import { bare, bareJwt, bareNestJwt } from './bare/subject.mjs';
import { bcryptAlone, bcryptOnAllCores } from './bcrypt/subject.mjs';
import { betterAuthCookieCache, betterAuthPostgres, betterAuthSqlite } from './better-auth/subject.mjs';
import { latchkeyPostgres, latchkeySqlite } from './latchkey/subject.mjs';
import { oidcProvider } from './oidc-provider/subject.mjs';
import { tutorial } from './tutorial/subject.mjs';

/** In the order in which a round visits them. */
export const SUBJECTS = [
  latchkeySqlite,
  latchkeyPostgres,
  bare,
  bareJwt,
  bareNestJwt,
  tutorial,
  betterAuthSqlite,
  betterAuthCookieCache,
  betterAuthPostgres,
  oidcProvider,
  article,
  bcryptAlone,
  bcryptOnAllCores,
];
