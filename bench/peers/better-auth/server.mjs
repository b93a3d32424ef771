import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { fromNodeHeaders } from 'better-auth/node';
import Database from 'better-sqlite3';
import fastify from 'fastify';
import pg from 'pg';

/** Better Auth on Fastify, as its integration guide does it, and a route that asks it for the session. */
function openDatabase() {
  const { DATABASE_URL } = process.env;
  if (DATABASE_URL) return new pg.Pool({ connectionString: DATABASE_URL });
  const database = new Database('better-auth.sqlite');
  database.pragma('journal_mode = WAL');
  return database;
}

const auth = betterAuth({
  baseURL: 'http://127.0.0.1',
  secret: process.env.SECRET,
  database: openDatabase(),
  emailAndPassword: { enabled: true },
  session: { cookieCache: { enabled: process.env.COOKIE_CACHE === 'on', maxAge: 5 * 60 } },
  // One address sends more than any limit allows.
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
});
await (await getMigrations(auth.options)).runMigrations();

const app = fastify();
app.get('/open', () => ({ hello: 'world' }));
app.get('/guarded', async (request, reply) => {
  const session = await auth.api.getSession({ headers: fromNodeHeaders(request.headers) });
  return session ? { hello: 'world' } : reply.code(401).send();
});
app.route({
  method: ['GET', 'POST'],
  url: '/api/auth/*',
  async handler(request, reply) {
    const response = await auth.handler(
      new Request(new URL(request.url, `http://${request.headers.host}`), {
        method: request.method,
        headers: fromNodeHeaders(request.headers),
        ...(request.body && { body: JSON.stringify(request.body) }),
      }),
    );
    reply.status(response.status);
    response.headers.forEach((value, name) => reply.header(name, value));
    return reply.send(response.body ? await response.text() : null);
  },
});
console.log(`ready at ${await app.listen({ port: 0, host: '127.0.0.1' })}`);
