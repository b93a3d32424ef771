import type { Socket } from 'node:net';
import type { FastifyReply } from 'fastify';

/** Requests that were accepted and whose responses are not complete, by connection and in the order of arrival. */
export class InFlightRequests {
  private readonly byConnection = new Map<Socket, Set<FastifyReply>>();

  add(reply: FastifyReply): void {
    const { socket } = reply.request.raw;
    // It emitted `close` already, and will not do so again.
    if (socket.destroyed) return;
    const replies = this.byConnection.get(socket) ?? this.track(socket);
    replies.add(reply);
  }

  delete(reply: FastifyReply): void {
    this.byConnection.get(reply.request.raw.socket)?.delete(reply);
  }

  get isEmpty(): boolean {
    return this.all().length === 0;
  }

  /** The last request of the same connection. */
  lastOf(reply: FastifyReply): FastifyReply | undefined {
    return [...(this.byConnection.get(reply.request.raw.socket) ?? [])].at(-1);
  }

  /** The last request of each connection. */
  lastOfEachConnection(): FastifyReply[] {
    return [...this.byConnection.values()].flatMap((replies) => [...replies].slice(-1));
  }

  /** Requests whose bodies have not arrived completely: nothing has been done for them yet. */
  withIncompleteBody(): FastifyReply[] {
    return this.all().filter((reply) => !reply.request.raw.complete && !reply.sent);
  }

  private track(socket: Socket): Set<FastifyReply> {
    const replies = new Set<FastifyReply>();
    this.byConnection.set(socket, replies);
    socket.once('close', () => this.byConnection.delete(socket));
    return replies;
  }

  private all(): FastifyReply[] {
    return [...this.byConnection.values()].flatMap((replies) => [...replies]);
  }
}
