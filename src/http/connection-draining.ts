import type { Server } from 'node:http';
import { setImmediate as nextCheckPhase } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import fp from 'fastify-plugin';
import { Problem } from '../problem/problem.js';
import { InFlightRequests } from './in-flight-requests.js';

/** Node's default for `listen()`: no more connections than these wait to be accepted. */
const BACKLOG = 511;
const SWEEP_INTERVAL_MS = 50;
/** How long an incomplete body may still take to arrive. The largest has 64 KiB. */
const BODY_GRACE_MS = 1000;

/** How long a connection may stay unused after another process took over: its request may be on the way. */
const UNUSED_GRACE_MS = 1000;

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Asks clients to move to another process that listens on the same address: every response says `Connection: close`.
     * From now on closing refuses no request.
     */
    handOver(): void;
  }
}

/**
 * Connection draining while Fastify closes: in-flight requests are completed, new ones get 503 `shutting_down`, and idle
 * connections are closed. The 503 needs the CORS headers: without them, the page could not read it. After `handOver()` new
 * ones are served: another process is there for the next request, so there is nothing to wait for elsewhere.
 */
export const connectionDraining = fp(
  (fastify, _options, done) => {
    const inFlight = new InFlightRequests();
    let draining = false;
    let handedOver = false;

    fastify.addHook('onRequest', (_request, reply, next) => {
      if (draining && !handedOver) {
        void reply.header('connection', 'close');
        return next(new Problem('shutting_down'));
      }
      const earlier = handedOver ? inFlight.lastOf(reply) : undefined;
      inFlight.add(reply);
      if (handedOver) closeAfter(reply, earlier);
      next();
    });
    fastify.onCompletion(({ reply }) => inFlight.delete(reply));

    const closeAfterLastOfEach = () => {
      for (const reply of inFlight.lastOfEachConnection()) closeAfter(reply);
    };
    fastify.decorate('handOver', () => {
      handedOver = true;
      closeAfterLastOfEach();
    });
    fastify.addHook('preClose', async () => {
      draining = true;
      await readBacklog(fastify.server);
      closeAfterLastOfEach();
      closeAsTheyFallIdle(fastify.server, inFlight, handedOver ? UNUSED_GRACE_MS : 0);
    });
    done();
  },
  { name: 'connection-draining', dependencies: ['request-completion', 'request-id', 'cors'] },
);

/** Only the last response of a connection says so: pipelined requests behind an earlier one would be dropped. */
function closeAfter(reply: FastifyReply, earlier?: FastifyReply): void {
  if (earlier && !earlier.sent) void earlier.removeHeader('connection');
  if (!reply.sent) void reply.header('connection', 'close');
}

/**
 * Resolves when everything that had arrived before is accepted and read. Node accepts one connection in each pass of the
 * event loop, and reads it in the next one: to stop listening resets the connections that still wait.
 */
async function readBacklog(server: Server): Promise<void> {
  let accepted = 0;
  const count = () => void accepted++;
  server.on('connection', count);
  // From one check phase to the next, the event loop polls once.
  await nextCheckPhase();
  for (let passes = 0; passes <= accepted && passes < BACKLOG; passes++) await nextCheckPhase();
  server.off('connection', count);
}

/**
 * Closes connections in the check phase, when the requests that had arrived are read. Without in-flight requests, closes
 * all: Node does not count connections as idle that have not sent anything, and browsers open some in advance.
 */
function closeAsTheyFallIdle(server: Server, inFlight: InFlightRequests, unusedGraceMs: number): void {
  const unusedUntil = performance.now() + unusedGraceMs;
  const sweep = () => {
    const closesUnused = inFlight.isEmpty && performance.now() >= unusedUntil;
    return closesUnused ? server.closeAllConnections() : server.closeIdleConnections();
  };
  const sweeps = setInterval(() => setImmediate(sweep), SWEEP_INTERVAL_MS).unref();
  const bodyGrace = setTimeout(() => refuseIncompleteBodies(inFlight), BODY_GRACE_MS).unref();
  server.once('close', () => {
    clearInterval(sweeps);
    clearTimeout(bodyGrace);
  });
}

/** A body that never arrives would delay the exit until the deadline. */
function refuseIncompleteBodies(inFlight: InFlightRequests): void {
  for (const reply of inFlight.withIncompleteBody()) {
    reply.header('connection', 'close').send(new Problem('shutting_down'));
  }
}
