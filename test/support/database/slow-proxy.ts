import { connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP proxy on this machine that delays every byte. */
export class SlowProxy {
  /** Delay in each direction, in milliseconds; applies to bytes that arrive from now on. */
  delayMs = 0;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static async before(targetPort: number): Promise<SlowProxy> {
    const server = createServer();
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const proxy = new SlowProxy(server, (server.address() as { port: number }).port);
    server.on('connection', (near) => proxy.join(near, connect(targetPort, '127.0.0.1')));
    return proxy;
  }

  /** Cuts all connections and drops the bytes in flight. */
  hangUp(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.hangUp();
    await new Promise((closed) => this.server.close(closed));
  }

  private join(near: Socket, far: Socket): void {
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.sockets.add(from);
      from.on('error', () => {});
      from.on('close', () => {
        this.sockets.delete(from);
        to.destroy();
      });
      // In order: a shorter delay must not let later bytes overtake earlier ones.
      let queue = Promise.resolve();
      from.on('data', (chunk: Buffer) => {
        const due = performance.now() + this.delayMs;
        queue = queue.then(() => until(due)).then(() => void (to.destroyed || to.write(chunk)));
      });
    }
  }
}

function until(due: number): Promise<void> | void {
  const wait = due - performance.now();
  if (wait > 0) return new Promise((done) => setTimeout(done, wait));
}
