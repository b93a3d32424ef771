import { startEmbedded } from '../support/postgres.mjs';

/** A PostgreSQL for the other scripts: prints its address, and runs until SIGINT or SIGTERM. `node bench/scripts/postgres.mjs [port]` */
const server = await startEmbedded(Number(process.argv[2] ?? 25_432));
console.log(server.url);
for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, async () => {
    await server.stop();
    process.exit();
  });
