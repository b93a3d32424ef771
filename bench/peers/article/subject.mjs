import { spawnSync } from 'node:child_process';
import { newEmail, PASSWORD } from '../../support/latchkey.mjs';
import { isHello, isTokenPair, LOGIN_CONNECTIONS, request, SESSIONS, startPeer } from '../subject.mjs';

/** Debian's own: another python3 may stand before it in the path. */
const PYTHON = '/usr/bin/python3';
const MODULES = 'fastapi, uvicorn, jwt, sqlalchemy, passlib, bcrypt, multipart';
const PACKAGES =
  'python3-fastapi python3-uvicorn python3-jwt python3-sqlalchemy python3-passlib python3-bcrypt python3-multipart';

/** Where this project comes from: the FastAPI design of the article. @type {import('../subject.mjs').Subject} */
export const article = {
  name: 'Article, FastAPI',
  missing() {
    const { status } = spawnSync(PYTHON, ['-c', `import ${MODULES}`]);
    return status === 0 ? undefined : `${PYTHON} cannot import ${MODULES}: apt-get install ${PACKAGES}`;
  },
  async start() {
    const { url, stop } = await startPeer(new URL('app.py', import.meta.url), { command: PYTHON });
    const form = { username: newEmail(), password: PASSWORD };
    await request(`${url}/register`, { form });
    const signIn = async () => (await request(`${url}/login`, { form })).body;
    return {
      stop,
      loads: {
        open: async () => ({ url, path: '/open', expects: isHello }),
        guarded: async () => {
          const { access_token } = await signIn();
          return { url, path: '/guarded', headers: { Authorization: `Bearer ${access_token}` }, expects: isHello };
        },
        refresh: async () => {
          const { refresh_token } = await signIn();
          // Tokens are not stored: an old one is accepted as well as its successor.
          return {
            url,
            path: '/refresh?token={token}',
            method: 'POST',
            tokens: Array.from({ length: SESSIONS }, () => refresh_token),
            chain: true,
            rotates: false,
            expects: isTokenPair,
          };
        },
        login: async () => ({
          url,
          path: '/login',
          method: 'POST',
          headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
          body: new URLSearchParams(form).toString(),
          connections: LOGIN_CONNECTIONS,
          slow: true,
          expects: isTokenPair,
        }),
      },
    };
  },
};
