import { PASSWORD, post, register, registerMany, startLatchkey, STRICT } from '../../support/latchkey.mjs';
import {
  BCRYPT_COST,
  CHEAP_COST,
  isHello,
  isTokenPair,
  JSON_BODY,
  LOGIN_CONNECTIONS,
  MANY_TOKENS,
  NEW_TOKENS,
  SESSIONS,
} from '../subject.mjs';

const TWO_ROUTES = new URL('two-routes.mjs', import.meta.url);
const LOGIN = {
  path: '/auth/login',
  method: 'POST',
  headers: JSON_BODY,
  connections: LOGIN_CONNECTIONS,
  slow: true,
  expects: isTokenPair,
};

/** @type {import('../subject.mjs').Subject} */
export const latchkeySqlite = { name: 'Latchkey, SQLite', start: () => start({}) };

/** @type {import('../subject.mjs').Subject} */
export const latchkeyPostgres = {
  name: 'Latchkey, PostgreSQL',
  needsPostgres: true,
  start: (databaseUrl) => start({ DATABASE_URL: databaseUrl }),
};

/** A process with cheap passwords; and for logins, if they are measured, one with their real cost. */
async function start(database) {
  const env = { ...database, ...STRICT, ACCESS_TOKEN_TTL: '1d' };
  const { url, stop } = await startLatchkey({ ...env, BCRYPT_COST: CHEAP_COST }, TWO_ROUTES);
  // On one PostgreSQL they are two processes of one installation; SQLite files are apart.
  let logins;
  const bearer = async () => ({ Authorization: `Bearer ${(await register(url)).access_token}` });
  let accessTokens;
  const tokensLoad = async (count) => {
    accessTokens ??= await differentTokens(url, NEW_TOKENS);
    const headers = { Authorization: 'Bearer {token}' };
    return { url, path: '/two/guarded', headers, tokens: accessTokens.slice(0, count), expects: isHello };
  };
  return {
    stop: async () => {
      await stop();
      await logins?.stop();
    },
    loads: {
      // With the same request as the guarded route.
      open: async () => ({ url, path: '/two/open', headers: await bearer(), expects: isHello }),
      guarded: async () => ({ url, path: '/two/guarded', headers: await bearer(), expects: isHello }),
      'many-tokens': async () => ({ ...(await tokensLoad(MANY_TOKENS)), order: 'random' }),
      'new-tokens': () => tokensLoad(NEW_TOKENS),
      whoami: () => whoamiLoad(url),
      refresh: () => refreshLoad(url),
      login: async () => {
        logins ??= await startLatchkey({ ...env, BCRYPT_COST });
        const { email } = await register(logins.url);
        const body = JSON.stringify({ email, password: PASSWORD });
        return { ...LOGIN, url: logins.url, body };
      },
    },
  };
}

/** @returns {Promise<import('../subject.mjs').Load>} */
export async function whoamiLoad(url) {
  const { access_token } = await register(url);
  return {
    url,
    path: '/auth/whoami',
    headers: { Authorization: `Bearer ${access_token}` },
    expects: (body) => typeof body?.sessionId === 'string',
  };
}

/** @returns {Promise<import('../subject.mjs').Load>} */
export async function refreshLoad(url, sessions = SESSIONS) {
  const tokens = (await registerMany(url, sessions)).map((user) => user.refresh_token);
  return { ...refreshRequests(url), tokens, connections: sessions };
}

/** A load without its tokens: 32 connections. */
export function refreshRequests(url) {
  return {
    url,
    path: '/auth/refresh',
    method: 'POST',
    headers: JSON_BODY,
    body: '{"refresh_token":"{token}"}',
    chain: true,
    expects: isTokenPair,
  };
}

/** Every refresh issues another access token: it is the cheapest source of real ones. */
async function differentTokens(url, count) {
  const tokens = [];
  const chain = async ({ access_token, refresh_token }) => {
    tokens.push(access_token);
    while (tokens.length < count) {
      const { status, body } = await post(url, '/auth/refresh', { refresh_token });
      if (status !== 200) throw new Error(`refresh: ${status} ${JSON.stringify(body)}`);
      refresh_token = body.refresh_token;
      tokens.push(body.access_token);
    }
  };
  await Promise.all((await registerMany(url, SESSIONS)).map(chain));
  return tokens.slice(0, count);
}
