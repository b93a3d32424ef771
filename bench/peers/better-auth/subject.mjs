import { newEmail, PASSWORD } from '../../support/latchkey.mjs';
import { isHello, JSON_BODY, LOGIN_CONNECTIONS, request, startPeer } from '../subject.mjs';

/** As a browser would say on a page of the server's own. */
const Origin = 'http://127.0.0.1';
const SECRET = 'a secret of the benchmarks, with more than 32 bytes';

/** Reads its database for each session that is asked for. @type {import('../subject.mjs').Subject} */
export const betterAuthSqlite = { name: 'Better Auth, SQLite', start: () => start({}) };

/** Believes a signed cookie for five minutes, in which nothing can be revoked. @type {import('../subject.mjs').Subject} */
export const betterAuthCookieCache = {
  name: 'Better Auth, cookie cache',
  start: () => start({ COOKIE_CACHE: 'on' }),
};

/** @type {import('../subject.mjs').Subject} */
export const betterAuthPostgres = {
  name: 'Better Auth, PostgreSQL',
  needsPostgres: true,
  start: (databaseUrl) => start({ DATABASE_URL: databaseUrl }),
};

async function start(env) {
  const { url, stop } = await startPeer(new URL('server.mjs', import.meta.url), { env: { SECRET, ...env } });
  const cookie = async () => ({ Cookie: await signUp(url) });
  return {
    stop,
    loads: {
      guarded: async () => ({ url, path: '/guarded', headers: await cookie(), expects: isHello }),
      whoami: async () => ({
        url,
        path: '/api/auth/get-session',
        headers: await cookie(),
        expects: (body) => typeof body?.session?.id === 'string',
      }),
      login: async () => {
        const json = newCredentials();
        await signUp(url, json);
        return {
          url,
          path: '/api/auth/sign-in/email',
          method: 'POST',
          headers: { ...JSON_BODY, Origin },
          body: JSON.stringify(json),
          connections: LOGIN_CONNECTIONS,
          slow: true,
          expects: (body) => typeof body?.token === 'string',
        };
      },
    },
  };
}

/** The cookies of a new session. */
async function signUp(url, credentials = newCredentials()) {
  const json = { ...credentials, name: 'Ada' };
  const { headers } = await request(`${url}/api/auth/sign-up/email`, { headers: { Origin }, json });
  return headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0])
    .join('; ');
}

function newCredentials() {
  return { email: newEmail(), password: PASSWORD };
}
