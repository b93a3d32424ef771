import {
  createClient,
  localStorageStore,
  type Activity,
  type Client,
  type Delivery,
  type SessionChange,
} from '@latchkey/client';

interface Listeners {
  onActivity: (activity: Activity) => void;
  onChange: (change: SessionChange) => void;
}

/** The client for the chosen delivery. Another delivery needs another client. */
export class Connection {
  client: Client;

  constructor(
    delivery: Delivery,
    private readonly listeners: Listeners,
  ) {
    this.client = this.connect(delivery);
  }

  use(delivery: Delivery): void {
    this.client.close();
    this.client = this.connect(delivery);
  }

  private connect(delivery: Delivery): Client {
    const { onActivity, onChange } = this.listeners;
    const client = createClient({ baseUrl: '/', delivery, store: localStorageStore(), onActivity });
    client.onChange(onChange);
    return client;
  }
}
