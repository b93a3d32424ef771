import { createSecretKey, randomUUID } from 'node:crypto';
import { JwtService } from '@nestjs/jwt';
import fastify from 'fastify';
import { openSessions } from './sessions-table.mjs';

/**
 * Like `jwt-server.mjs`, with what the main installation has: `npm run bench:quick` needs nothing more. And the least that a
 * refresh with rotation can do: verify a token, move one row to its next generation, sign two tokens.
 */
const key = createSecretKey(process.env.SECRET, 'utf8');
const jwt = new JwtService({ secret: key, signOptions: { expiresIn: '1h' } });
const sessions = await openSessions('sessions.sqlite');
const app = fastify();

async function authenticate(request, reply) {
  try {
    jwt.verify(request.headers.authorization?.slice('Bearer '.length) ?? '', { algorithms: ['HS256'] });
  } catch {
    return reply.code(401).send();
  }
}
const tokensOf = (sid, generation) => ({
  access_token: jwt.sign({ sid }),
  refresh_token: jwt.sign({ sid, generation }),
});

app.get('/guarded', { onRequest: [authenticate] }, () => ({ hello: 'world' }));
app.post('/tokens/:count', ({ params }) =>
  Array.from({ length: Number(params.count) }, (_, i) => jwt.sign({ sub: 'user', jti: String(i) })),
);
app.post('/sessions', async () => {
  const id = randomUUID();
  await sessions.insert(id);
  return tokensOf(id, 0);
});
app.post('/refresh', async ({ body }, reply) => {
  const { sid, generation } = jwt.verify(body.refresh_token, { algorithms: ['HS256'] });
  return (await sessions.rotate(sid, generation)) ? tokensOf(sid, generation + 1) : reply.code(401).send();
});
console.log(`ready at ${await app.listen({ port: 0, host: '127.0.0.1' })}`);
