import type { Socket } from 'node:net';
import pg from 'pg';

const HEARTBEAT_MS = 1000;
/** A connection that was silent for so long counts as lost, also if TCP has not noticed. */
export const MAX_SILENCE_MS = 5000;
const RETRY_MS = 500;

interface NotificationListenerEvents {
  /** Sends a message in the way that other processes do: if this one does not arrive, theirs do not arrive either. */
  send: (channel: string, payload: string) => Promise<unknown>;
  /** A message that any process sent over the channel with `pg_notify`. They come in the order of the commits. */
  onMessage: (payload: string) => void;
  /** From now on no message is missed: read what was missed before. If that rejects, the listener connects again. */
  onListening: () => Promise<void>;
  /** Everything that was committed before this moment (of `performance.now()`) was received or read. */
  onSynced: (moment: number) => void;
  onLost: (reason: Error) => void;
}

/**
 * Listens to a PostgreSQL channel over a connection of its own, for as long as the process runs. LISTEN takes effect at its
 * commit, and a connection can die silently. So the listener sends itself a heartbeat every second, over a channel of its
 * own: when it arrives, everything that was committed before has arrived as well. The first heartbeat goes through the
 * pool, as the messages of other processes do: behind a pooler, or in another database, the listener would receive
 * nothing but its own heartbeats.
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

  /** Resolves when it listens, or when the first attempt failed: further attempts follow. */
  async start(): Promise<void> {
    try {
      this.client = this.makeClient();
    } catch (error) {
      // For example, a certificate that the address names cannot be read.
      return this.retry(error as Error);
    }
    await this.connect(this.client);
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    if (this.client) destroy(this.client);
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

  private async connect(client: pg.Client): Promise<void> {
    try {
      await client.connect();
      await client.query(`LISTEN ${this.channel}; LISTEN ${this.heartbeats}`);
      await this.listen(client);
    } catch (error) {
      this.lose(client, error as Error);
    }
  }

  private async listen(client: pg.Client): Promise<void> {
    let heartbeatAt = 0;
    let isSynced = false;
    const firstHeartbeat = new Promise<void>((resolve, reject) => {
      client.once('lost', reject);
      client.on('notification', ({ channel, payload = '' }) => {
        if (client !== this.client) return;
        if (channel === this.channel) return this.receive(client, payload);
        heartbeatAt = Number(payload);
        if (isSynced) this.events.onSynced(heartbeatAt);
        resolve();
      });
    });
    this.watch(client, () => heartbeatAt);
    await Promise.all([firstHeartbeat, this.events.send(this.heartbeats, String(performance.now()))]);
    await this.events.onListening();
    // The connection was lost meanwhile.
    if (client !== this.client) return;
    isSynced = true;
    this.events.onSynced(heartbeatAt);
  }

  /** A message that cannot be parsed is a missed message: the connection is given up, and everything read again. */
  private receive(client: pg.Client, payload: string): void {
    try {
      this.events.onMessage(payload);
    } catch (error) {
      this.lose(client, error as Error);
    }
  }

  /** Sends a heartbeat every second once the first has arrived, and gives up the connection when none arrives in time. */
  private watch(client: pg.Client, heartbeatAt: () => number): void {
    const since = performance.now();
    let isInFlight = false;
    const check = () => {
      if (client !== this.client) return;
      const now = performance.now();
      if (now - Math.max(since, heartbeatAt()) > MAX_SILENCE_MS) {
        return this.lose(client, new Error(`no heartbeat for ${MAX_SILENCE_MS} ms`));
      }
      if (!isInFlight && heartbeatAt() > 0) {
        isInFlight = true;
        client.query('SELECT pg_notify($1, $2) AS heartbeat', [this.heartbeats, String(now)]).then(
          () => (isInFlight = false),
          (error: Error) => this.lose(client, error),
        );
      }
      this.timer = setTimeout(check, HEARTBEAT_MS).unref();
    };
    check();
  }

  private lose(client: pg.Client, reason: Error): void {
    if (client !== this.client) return;
    this.client = undefined;
    client.emit('lost', reason);
    destroy(client);
    this.retry(reason);
  }

  private retry(reason: Error): void {
    if (this.stopped) return;
    this.events.onLost(reason);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.start(), RETRY_MS).unref();
  }
}

/** Destroys the socket: a silent server would not respond to a regular end. */
function destroy(client: pg.Client): void {
  (client as unknown as { connection: { stream: Socket } }).connection.stream.destroy();
}
