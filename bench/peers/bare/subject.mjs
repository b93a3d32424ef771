import { isHello, request, startPeer } from '../subject.mjs';

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
    const env = { SECRET: 'a secret of the benchmarks, with more than 32 bytes' };
    const { url, stop } = await startPeer(new URL('jwt-server.mjs', import.meta.url), { env });
    const guarded = async (count) => {
      const { body: tokens } = await request(`${url}/tokens/${count}`);
      return { url, path: '/guarded', tokens, expects: isHello };
    };
    return {
      stop,
      loads: {
        guarded: async () => {
          const { tokens, ...load } = await guarded(1);
          return { ...load, headers: { Authorization: `Bearer ${tokens[0]}` } };
        },
        'many-tokens': async () => ({ ...(await guarded(10_000)), headers: { Authorization: 'Bearer {token}' } }),
      },
    };
  },
};
