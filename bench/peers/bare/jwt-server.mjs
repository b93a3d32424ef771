import jwt from '@fastify/jwt';
import fastify from 'fastify';

/** Fastify with `@fastify/jwt`, as its README does it: the signature (HS256) is verified in each request, nothing is looked up. */
const app = fastify();
app.register(jwt, { secret: process.env.SECRET, sign: { expiresIn: '1h' } });
app.decorate('authenticate', async (request, reply) => {
  try {
    await request.jwtVerify();
  } catch (error) {
    return reply.send(error);
  }
});
app.after(() => {
  app.get('/guarded', { onRequest: [app.authenticate] }, () => ({ hello: 'world' }));
  app.post('/tokens/:count', ({ params }) =>
    Array.from({ length: Number(params.count) }, (_, i) => app.jwt.sign({ sub: 'user', jti: String(i) })),
  );
});
console.log(`ready at ${await app.listen({ port: 0, host: '127.0.0.1' })}`);
