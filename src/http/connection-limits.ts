import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import fp from 'fastify-plugin';

/** Requests of one connection whose responses are not complete. Browsers and proxies send one at a time. */
const MAX_UNANSWERED = 16;
/** Responses that clients have not read yet, in all connections together. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
/** How often these are counted: after this many requests, and in this interval. */
const SWEEP_REQUESTS = 64;
const SWEEP_INTERVAL_MS = 1000;

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

interface Connection {
  unanswered: Set<ServerResponse>;
  isPausing: boolean;
  /** Set when the rest of what it sends is ignored: runs after the responses to its unanswered requests. */
  finish?: () => void;
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Ignores what a connection sends from now on, and calls back after the responses to its complete requests. */
    afterResponses(socket: Socket, callback: () => void): void;
  }
}

/**
 * Bounds the memory of pipelined requests (RFC 9112 section 9.3.2) and unread responses: Node reads on while handlers wait.
 * From the 16th unanswered request, reading pauses; what had arrived behind it is not served, and the connection closes
 * after the 16 responses.
 */
export const connectionLimits = fp(
  (fastify, _options, done) => {
    const { server } = fastify;
    const connections = new Map<Socket, Connection>();
    server.on('connection', (socket) => {
      const connection: Connection = { unanswered: new Set(), isPausing: false };
      connections.set(socket, connection);
      socket.once('close', () => {
        connections.delete(socket);
        closeQueued(connection);
      });
    });
    limitUnanswered(server, connections);
    limitWaitingBytes(server, connections, (closed) => {
      fastify.log.warn(
        { closed },
        'closed connections whose clients do not read: responses waited in 64 MiB of memory',
      );
    });
    fastify.decorate('afterResponses', (socket: Socket, callback: () => void) => {
      const connection = connections.get(socket);
      const last = [...(connection?.unanswered ?? [])].at(-1);
      // The rest of an incomplete body does not come any more.
      if (!connection || !last?.req.complete) return callback();
      connection.finish = callback;
    });
    done();
  },
  { name: 'connection-limits' },
);

/** Stands before Fastify: a request that is not served costs no more than its parsing. */
function limitUnanswered(server: Server, connections: Map<Socket, Connection>): void {
  const handlers = server.listeners('request') as Handler[];
  server.removeAllListeners('request');
  const serve: Handler = (request, response) => {
    const { socket } = request;
    const connection = connections.get(socket);
    if (!connection) return;
    if (connection.finish) return pauseAfterChunk(socket, connection);
    const { unanswered } = connection;
    if (unanswered.size >= MAX_UNANSWERED) return closeAfterResponses(socket, connection);
    unanswered.add(response);
    if (unanswered.size === MAX_UNANSWERED) pauseAfterChunk(socket, connection);
    response.once('close', () => {
      unanswered.delete(response);
      if (connection.finish && unanswered.size === 0) connection.finish();
      else if (connection.finish) pauseAfterChunk(socket, connection);
      else if (unanswered.size === MAX_UNANSWERED - 1) socket.resume();
    });
    for (const handler of handlers) handler(request, response);
  };
  server.on('request', serve);
  // Instead of Node's bare 417: `strictRequests` refuses it as a problem.
  server.on('checkExpectation', serve);
}

/**
 * Node tells only the response that is being sent of a closed connection. Those behind it would keep their files open, and
 * stay out of the log.
 */
function closeQueued({ unanswered }: Connection): void {
  for (const response of unanswered) {
    if (response.socket) continue;
    response.destroy();
    // A handler that is still running may send a stream later: nobody would ever tell it that the response is closed.
    response.once('pipe', (source) => void source.destroy());
    response.emit('close');
  }
}

/** Not at once: Node resumes reading at the end of each request. */
function pauseAfterChunk(socket: Socket, connection: Connection): void {
  if (connection.isPausing) return;
  connection.isPausing = true;
  setImmediate(() => {
    connection.isPausing = false;
    if (connection.finish || connection.unanswered.size >= MAX_UNANSWERED) socket.pause();
  });
}

function closeAfterResponses(socket: Socket, connection: Connection): void {
  connection.finish = () => socket.destroySoon();
  pauseAfterChunk(socket, connection);
  const last = [...connection.unanswered].at(-1);
  if (last && !last.headersSent) last.setHeader('connection', 'close');
}

/** Closes the connections with the most first. */
function limitWaitingBytes(
  server: Server,
  connections: Map<Socket, Connection>,
  onClosed: (count: number) => void,
): void {
  const sweep = () => {
    let total = 0;
    for (const entry of connections) total += waitingBytes(...entry);
    if (total <= MAX_WAITING_BYTES) return;
    const waiting = [...connections].map(([socket, connection]) => ({
      socket,
      bytes: waitingBytes(socket, connection),
    }));
    let closed = 0;
    for (const { socket, bytes } of waiting.sort((a, b) => b.bytes - a.bytes)) {
      if (total <= MAX_WAITING_BYTES) break;
      total -= bytes;
      socket.destroy();
      closed++;
    }
    onClosed(closed);
  };
  let requests = 0;
  server.on('request', () => {
    requests += 1;
    if (requests % SWEEP_REQUESTS === 0) sweep();
  });
  const sweeps = setInterval(sweep, SWEEP_INTERVAL_MS).unref();
  server.once('close', () => clearInterval(sweeps));
}

/** Of the response that is being sent, and of those behind it, which have no socket yet. */
function waitingBytes(socket: Socket, { unanswered }: Connection): number {
  let bytes = socket.writableLength;
  for (const response of unanswered) if (!response.socket) bytes += response.writableLength;
  return bytes;
}
