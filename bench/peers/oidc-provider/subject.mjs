import { isTokenPair, request, SESSIONS, startPeer } from '../subject.mjs';

/** The certified OpenID Connect server for Node, without a database: access tokens are opaque and nothing is signed. @type {import('../subject.mjs').Subject} */
export const oidcProvider = {
  name: 'oidc-provider, in memory',
  async start() {
    const { url, stop } = await startPeer(new URL('server.mjs', import.meta.url));
    const newSession = async () => (await request(`${url}/sessions`)).body.refresh_token;
    return {
      stop,
      loads: {
        refresh: async () => ({
          url,
          path: '/token',
          method: 'POST',
          headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
          body: 'grant_type=refresh_token&client_id=bench&refresh_token={token}',
          tokens: await Promise.all(Array.from({ length: SESSIONS }, newSession)),
          chain: true,
          expects: isTokenPair,
        }),
      },
    };
  },
};
