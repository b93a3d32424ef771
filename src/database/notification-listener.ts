import type { Socket } from 'node:net';
import pg from 'pg';

const HEARTBEAT_MS = 1000;
/** A connection that has told nothing for so long is lost, whatever TCP thinks of it. */
export const MAX_SILENCE_MS = 5000;
const RETRY_MS = 500;

export interface NotificationListenerEvents {
  /** Sends a message the way that others' come from: if this one does not arrive, those do not either. */
  send: (channel: string, payload: string) => Promise<unknown>;
  /** What any process has sent over the channel with `pg_notify`, in the order of their commits. */
  onMessage: (payload: string) => void;
  /** It listens: from now on nothing is missed. What was missed before has to be read; if that fails, all begins anew. */
  onListening: () => Promise<void>;
  /** Everything that was committed before this moment (of `performance.now()`) has been told or read. */
  onHeard: (moment: number) => void;
  onLost: (why: Error) => void;
}

/**
 * Listens to a PostgreSQL channel over a connection of its own, for as long as the process lives. LISTEN counts from its
 * own commit only, and a connection can die in silence. So it sends itself a message every second, over a channel of its
 * own: hearing that, it knows that whatever was committed before has been heard as well. The first comes by the way of
 * all others' messages: behind a pooler, or in another database, it would be listening to itself alone.
 */
export class NotificationListener {
  private readonly heartbeats = `latchkey_heartbeats_${crypto.randomUUID().replaceAll('-', '')}`;
  private client: pg.Client | undefined;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(
    private readonly url: string,
    private readonly channel: string,
    private readonly events: NotificationListenerEvents,
  ) {}

  /** Resolves when it listens, or when the first try has failed: then it goes on trying. */
  async start(): Promise<void> {
    try {
      this.client = this.makeClient();
    } catch (error) {
      // A certificate that the address names cannot be read just now.
      return this.tryAgain(error as Error);
    }
    await this.use(this.client);
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    if (this.client) hangUp(this.client);
    this.client = undefined;
  }

  private makeClient(): pg.Client {
    const client = new pg.Client({
      connectionString: this.url,
      application_name: 'latchkey listener',
      connectionTimeoutMillis: MAX_SILENCE_MS,
      query_timeout: MAX_SILENCE_MS,
      keepAlive: true,
    });
    client.on('error', (error) => this.lose(client, error));
    client.on('end', () => this.lose(client, new Error('the connection was closed')));
    return client;
  }

  private async use(client: pg.Client): Promise<void> {
    try {
      await client.connect();
      await client.query(`LISTEN ${this.channel}; LISTEN ${this.heartbeats}`);
      await this.listen(client);
    } catch (error) {
      this.lose(client, error as Error);
    }
  }

  private async listen(client: pg.Client): Promise<void> {
    let heardAt = 0;
    let caughtUp = false;
    const heardItself = new Promise<void>((resolve, reject) => {
      client.once('lost', reject);
      client.on('notification', ({ channel, payload = '' }) => {
        if (client !== this.client) return;
        if (channel === this.channel) return this.receive(client, payload);
        heardAt = Number(payload);
        if (caughtUp) this.events.onHeard(heardAt);
        resolve();
      });
    });
    this.watch(client, () => heardAt);
    await Promise.all([heardItself, this.events.send(this.heartbeats, String(performance.now()))]);
    await this.events.onListening();
    // Lost meanwhile: what is known of this connection counts no more.
    if (client !== this.client) return;
    caughtUp = true;
    this.events.onHeard(heardAt);
  }

  /** A message that cannot be understood is one that was missed. */
  private receive(client: pg.Client, payload: string): void {
    try {
      this.events.onMessage(payload);
    } catch (error) {
      this.lose(client, error as Error);
    }
  }

  /** Sends a heartbeat every second once the first has come, and gives the connection up when none comes for long. */
  private watch(client: pg.Client, heardAt: () => number): void {
    const since = performance.now();
    let onItsWay = false;
    const look = () => {
      if (client !== this.client) return;
      const now = performance.now();
      if (now - Math.max(since, heardAt()) > MAX_SILENCE_MS) {
        return this.lose(client, new Error(`nothing was heard for ${MAX_SILENCE_MS} ms`));
      }
      if (!onItsWay && heardAt() > 0) {
        onItsWay = true;
        client.query('SELECT pg_notify($1, $2) AS heartbeat', [this.heartbeats, String(now)]).then(
          () => (onItsWay = false),
          (error: Error) => this.lose(client, error),
        );
      }
      this.timer = setTimeout(look, HEARTBEAT_MS).unref();
    };
    look();
  }

  private lose(client: pg.Client, why: Error): void {
    if (client !== this.client) return;
    this.client = undefined;
    client.emit('lost', why);
    hangUp(client);
    this.tryAgain(why);
  }

  private tryAgain(why: Error): void {
    if (this.stopped) return;
    this.events.onLost(why);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.start(), RETRY_MS).unref();
  }
}

/** Without a goodbye: whoever is silent would not answer it. */
function hangUp(client: pg.Client): void {
  (client as unknown as { connection: { stream: Socket } }).connection.stream.destroy();
}
