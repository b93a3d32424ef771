import { isHello, isTokenPair, JSON_BODY, MANY_TOKENS, NEW_TOKENS, request, SESSIONS, startPeer } from '../subject.mjs';

/** The floor: what a request costs before there is any authentication. @type {import('../subject.mjs').Subject} */
export const bare = {
  name: 'Fastify alone',
  async start() {
    const { url, stop } = await startPeer(new URL('server.mjs', import.meta.url));
    return { stop, loads: { open: async () => ({ url, path: '/open', expects: isHello }) } };
  },
};

/** The least that a guard can do: verify a signature. No session, no revocation. @type {import('../subject.mjs').Subject} */
export const bareJwt = {
  name: 'Fastify + @fastify/jwt',
  async start() {
    const { url, stop } = await startJwt('jwt-server.mjs');
    return { stop, loads: guardedLoads(url) };
  },
};

/** The same with packages of the main installation; and the least that a rotation can do. @type {import('../subject.mjs').Subject} */
export const bareNestJwt = {
  name: 'Fastify + @nestjs/jwt, sqlite3',
  async start() {
    const { url, stop } = await startJwt('nest-jwt-server.mjs');
    return { stop, loads: { ...guardedLoads(url), refresh: () => refreshLoad(url) } };
  },
};

function startJwt(file) {
  const env = { SECRET: 'a secret of the benchmarks, with more than 32 bytes' };
  return startPeer(new URL(file, import.meta.url), { env });
}

function guardedLoads(url) {
  const newTokens = async (count) => (await request(`${url}/tokens/${count}`)).body;
  const loadOf = async (count) => ({
    url,
    path: '/guarded',
    headers: { Authorization: 'Bearer {token}' },
    tokens: await newTokens(count),
    expects: isHello,
  });
  return {
    guarded: async () => {
      const [token] = await newTokens(1);
      return { url, path: '/guarded', headers: { Authorization: `Bearer ${token}` }, expects: isHello };
    },
    'many-tokens': async () => ({ ...(await loadOf(MANY_TOKENS)), order: 'random' }),
    'new-tokens': () => loadOf(NEW_TOKENS),
  };
}

async function refreshLoad(url) {
  const newSession = async () => (await request(`${url}/sessions`)).body.refresh_token;
  return {
    url,
    path: '/refresh',
    method: 'POST',
    headers: JSON_BODY,
    body: '{"refresh_token":"{token}"}',
    tokens: await Promise.all(Array.from({ length: SESSIONS }, newSession)),
    chain: true,
    expects: isTokenPair,
  };
}
