import { Agent, createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * What stands before several processes: hands each request to the next of them. One that cannot be reached is passed
 * over; an answer that breaks off is lost to the client, whose connection is cut, for nobody knows what was done.
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

  /** From now on new requests go to these. */
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
    onward.on('response', (answer) => {
      to.writeHead(answer.statusCode!, answer.headers);
      answer.on('error', () => to.destroy());
      answer.pipe(to);
    });
    onward.on('error', (error: NodeJS.ErrnoException) => {
      // A kept connection that the other side closed before it saw anything is tried again, as browsers and proxies do.
      const unseen = error.code === 'ECONNREFUSED' || (error.code === 'ECONNRESET' && method === 'GET');
      if (unseen && tries > 1 && !to.headersSent) this.tryNext(from, body, to, tries - 1);
      else to.destroy();
    });
    onward.end(body);
  }
}
