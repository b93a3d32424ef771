import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { Problem } from '../problem/problem.js';

const SWEEP_INTERVAL_MS = 50;
/** How long a body that was on its way when the server was told to stop may still take. The largest is 64 KiB. */
const BODY_GRACE_MS = 1000;

/** The end of a server's connections: what was accepted is answered, what comes is sent elsewhere. */
export class Drain {
  private draining = false;
  /** What each open connection is still to be answered, in the order of the requests. */
  private readonly underWay = new Map<Socket, Set<FastifyReply>>();
  /** Those of which the body has not arrived in full: nothing has been done for them yet. */
  private readonly arriving = new Set<FastifyReply>();

  constructor(private readonly fastify: FastifyInstance) {
    fastify.addHook('onRequest', async (request, reply) => {
      if (this.draining) {
        void reply.header('connection', 'close');
        throw new Problem('shutting_down');
      }
      this.accept(request.raw.socket, reply);
    });
    fastify.addHook('preValidation', async (_request, reply) => void this.arriving.delete(reply));
    // Those that were accepted before are answered in full. The last of a connection says that it takes no more: said any
    // earlier, the pipelined ones behind it would never be answered.
    fastify.addHook('onSend', async (request, reply) => {
      if (this.draining && this.isLast(request.raw.socket, reply)) void reply.header('connection', 'close');
    });
  }

  /**
   * Refuses new requests from now on, and closes connections as they fall idle. Once nothing is under way it closes all:
   * browsers open connections in advance, and Node does not count those it never heard from as idle.
   */
  begin(): void {
    this.draining = true;
    const graceEnds = performance.now() + BODY_GRACE_MS;
    setInterval(() => {
      if (performance.now() > graceEnds) this.refuseArriving();
      // Once what has arrived is read: a busy process rings late, with requests waiting that nobody has seen.
      setImmediate(() => this.closeSome());
    }, SWEEP_INTERVAL_MS).unref();
  }

  private closeSome(): void {
    if (this.isDone()) this.fastify.server.closeAllConnections();
    else this.fastify.server.closeIdleConnections();
  }

  private accept(socket: Socket, reply: FastifyReply): void {
    // It closed already, and says so no second time.
    if (socket.destroyed) return;
    const replies = this.underWay.get(socket) ?? this.follow(socket);
    replies.add(reply);
    this.arriving.add(reply);
    reply.raw.once('close', () => {
      replies.delete(reply);
      this.arriving.delete(reply);
    });
  }

  /** A client that goes away takes all its requests along, also those whose turn to be answered has not come. */
  private follow(socket: Socket): Set<FastifyReply> {
    const replies = new Set<FastifyReply>();
    this.underWay.set(socket, replies);
    socket.once('close', () => {
      this.underWay.delete(socket);
      for (const reply of replies) this.arriving.delete(reply);
    });
    return replies;
  }

  private isLast(socket: Socket, reply: FastifyReply): boolean {
    return [...(this.underWay.get(socket) ?? [])].at(-1) === reply;
  }

  private isDone(): boolean {
    return [...this.underWay.values()].every((replies) => replies.size === 0);
  }

  /** A body that never comes would hold the exit until the deadline. */
  private refuseArriving(): void {
    for (const reply of this.arriving) reply.header('connection', 'close').send(new Problem('shutting_down'));
    this.arriving.clear();
  }
}
