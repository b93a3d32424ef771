import {
  accountOf,
  createClient,
  localStorageStore,
  type Account,
  type Activity,
  type Client,
  type Delivery,
  type SessionChange,
} from '@latchkey/client';
import { solveChallenges } from '@latchkey/client/challenge';

interface Listeners {
  onActivity: (activity: Activity) => void;
  onChange: (change: SessionChange) => void;
  onChallenge: () => void;
}

/** The client for the chosen delivery. Another delivery needs another client. */
export class Connection {
  client: Client;
  account: Account;

  constructor(
    delivery: Delivery,
    private readonly listeners: Listeners,
  ) {
    this.client = this.connect(delivery);
    this.account = accountOf(this.client);
  }

  use(delivery: Delivery): void {
    this.client.close();
    this.client = this.connect(delivery);
    this.account = accountOf(this.client);
  }

  private connect(delivery: Delivery): Client {
    const { onActivity, onChange, onChallenge } = this.listeners;
    const client = createClient({ baseUrl: '/', delivery, store: localStorageStore(), onActivity });
    solveChallenges(client, { onChallenge });
    client.onChange(onChange);
    return client;
  }
}
