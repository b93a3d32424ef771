import { newEmail, PASSWORD } from '../../support/latchkey.mjs';
import { run } from '../../support/prepare.mjs';
import {
  BCRYPT_COST,
  CHEAP_COST,
  isHello,
  isTokenPair,
  JSON_BODY,
  LOGIN_CONNECTIONS,
  request,
  SESSIONS,
  startPeer,
} from '../subject.mjs';

const PROJECT = new URL('../../../', import.meta.url);
const MAIN = new URL('dist/main.js', import.meta.url);
const LOGIN = {
  path: '/auth/login',
  method: 'POST',
  headers: JSON_BODY,
  connections: LOGIN_CONNECTIONS,
  slow: true,
  expects: isTokenPair,
};

/** What many a team begins with: NestJS and Passport as tutorials put them together. @type {import('../subject.mjs').Subject} */
export const tutorial = {
  name: 'NestJS tutorial, SQLite',
  async start() {
    compileTutorial();
    const { url, stop } = await startPeer(MAIN, { env: { BCRYPT_COST: CHEAP_COST } });
    let logins;
    return {
      stop: async () => {
        await stop();
        await logins?.stop();
      },
      loads: {
        open: async () => ({ url, path: '/open', expects: isHello }),
        guarded: async () => {
          const { access_token } = await signIn(url);
          return { url, path: '/guarded', headers: { Authorization: `Bearer ${access_token}` }, expects: isHello };
        },
        refresh: async () => ({
          url,
          path: '/auth/refresh',
          method: 'POST',
          headers: { Authorization: 'Bearer {token}' },
          // One user each: a user has one refresh token.
          tokens: (await Promise.all(Array.from({ length: SESSIONS }, () => signIn(url)))).map(
            (user) => user.refresh_token,
          ),
          chain: true,
          slow: true,
          expects: isTokenPair,
        }),
        login: async () => {
          logins ??= await startPeer(MAIN, { env: { BCRYPT_COST } });
          const body = JSON.stringify(await register(logins.url));
          return { ...LOGIN, url: logins.url, body };
        },
      },
    };
  },
};

/** TypeScript, as tutorials are written. */
export function compileTutorial() {
  run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'bench/peers/tutorial'], PROJECT);
}

async function register(url) {
  const json = { email: newEmail(), password: PASSWORD };
  await request(`${url}/auth/register`, { json });
  return json;
}

async function signIn(url) {
  return (await request(`${url}/auth/login`, { json: await register(url) })).body;
}
