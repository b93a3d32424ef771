import fastify from 'fastify';

/** Fastify and nothing else. */
const app = fastify();
app.get('/open', () => ({ hello: 'world' }));
console.log(`ready at ${await app.listen({ port: 0, host: '127.0.0.1' })}`);
