import { article } from '../peers/article/subject.mjs';
import { bare, bareJwt, bareNestJwt } from '../peers/bare/subject.mjs';
import { bcryptAlone, bcryptOnAllCores } from '../peers/bcrypt/subject.mjs';
import { betterAuthCookieCache, betterAuthPostgres, betterAuthSqlite } from '../peers/better-auth/subject.mjs';
import { latchkeyPostgres, latchkeySqlite } from '../peers/latchkey/subject.mjs';
import { oidcProvider } from '../peers/oidc-provider/subject.mjs';
import { tutorial } from '../peers/tutorial/subject.mjs';

/** What Latchkey is compared with, by load: another subject, or itself under another load. */
const COMPARISONS = {
  open: [
    [latchkeySqlite, bare],
    [latchkeyPostgres, bare],
    [latchkeySqlite, tutorial],
    [latchkeySqlite, article],
  ],
  guarded: [
    [latchkeySqlite, latchkeySqlite, 'open'],
    [latchkeyPostgres, latchkeyPostgres, 'open'],
    [latchkeySqlite, bareJwt],
    [latchkeySqlite, tutorial],
    [latchkeySqlite, betterAuthSqlite],
    [latchkeySqlite, betterAuthCookieCache],
    [latchkeyPostgres, betterAuthPostgres],
    [latchkeySqlite, article],
  ],
  'many-tokens': [
    [latchkeySqlite, bareJwt],
    [latchkeyPostgres, bareJwt],
    [latchkeySqlite, latchkeySqlite, 'guarded'],
  ],
  'new-tokens': [
    [latchkeySqlite, bareJwt],
    [latchkeyPostgres, bareJwt],
    [latchkeySqlite, latchkeySqlite, 'guarded'],
  ],
  whoami: [
    [latchkeySqlite, betterAuthSqlite],
    [latchkeySqlite, betterAuthCookieCache],
    [latchkeyPostgres, betterAuthPostgres],
  ],
  refresh: [
    [latchkeySqlite, bareNestJwt],
    [latchkeySqlite, tutorial],
    [latchkeySqlite, oidcProvider],
    [latchkeySqlite, article],
    [latchkeyPostgres, latchkeySqlite],
  ],
  login: [
    [latchkeySqlite, bcryptAlone],
    [latchkeySqlite, bcryptOnAllCores],
    [latchkeySqlite, tutorial],
    [latchkeySqlite, betterAuthSqlite],
    [latchkeySqlite, article],
  ],
};

/** Those of a load whose both sides were measured: the names of lines, and the load of the line below. */
export function comparisonsOf(load) {
  return (COMPARISONS[load] ?? []).map(([above, below, loadBelow = load]) => ({
    name: loadBelow === load ? `${above.name} / ${below.name}` : `${above.name}, ${load} / ${loadBelow}`,
    above: above.name,
    below: below.name,
    loadBelow,
  }));
}
