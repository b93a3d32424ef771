import { Agent, createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * A load balancer: passes each request to the next process and skips processes that it cannot reach. When a response
 * breaks off, it cuts the client's connection, because the outcome is unknown.
 */
export class RoundRobin {
  private readonly agent = new Agent({ keepAlive: true });
  private turn = 0;

  private constructor(
    private readonly server: Server,
    private targets: string[],
  ) {}

  static async before(targets: string[]): Promise<RoundRobin> {
    const server = createServer();
    const front = new RoundRobin(server, targets);
    server.on('request', (from, to) => front.pass(from, to));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return front;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Replaces the targets for new requests. */
  use(targets: string[]): void {
    this.targets = targets;
  }

  async close(): Promise<void> {
    this.agent.destroy();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private pass(from: IncomingMessage, to: ServerResponse): void {
    const chunks: Buffer[] = [];
    from.on('data', (chunk: Buffer) => chunks.push(chunk));
    from.on('end', () => this.tryNext(from, Buffer.concat(chunks), to, this.targets.length));
  }

  private tryNext(from: IncomingMessage, body: Buffer, to: ServerResponse, tries: number): void {
    const target = this.targets[this.turn++ % this.targets.length]!;
    const { method, headers, url } = from;
    const onward = request(new URL(url!, target), { method: method!, headers, agent: this.agent });
    onward.on('response', (response) => {
      to.writeHead(response.statusCode!, response.headers);
      response.on('error', () => to.destroy());
      response.pipe(to);
    });
    onward.on('error', (error: NodeJS.ErrnoException) => {
      // Retries a request that no process has seen, as browsers and proxies do after a keep-alive connection was closed.
      const unseen = error.code === 'ECONNREFUSED' || (error.code === 'ECONNRESET' && method === 'GET');
      if (unseen && tries > 1 && !to.headersSent) this.tryNext(from, body, to, tries - 1);
      else to.destroy();
    });
    onward.end(body);
  }
}
