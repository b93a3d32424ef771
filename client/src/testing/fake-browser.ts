import type { Delivery } from '../api.js';
import type { SessionChange } from '../changes.js';
import { clientOn, type Client, type ClientOptions } from '../client.js';
import type { Platform } from '../platform.js';
import type { TokenStore } from '../token-store.js';
import { FakeServer } from './fake-server.js';
import { World } from './world.js';

const API = 'https://auth.example.com';

/** The network for one request, in milliseconds. `lost` hangs until the client times out; `refused` fails at once. */
export interface NetworkConditions {
  there: number;
  back: number;
  lost?: 'request' | 'response';
  refused?: boolean;
}

export interface Tab {
  client: Client;
  changes: SessionChange[];
  /** Refreshes in flight now, and at most at the same time. */
  inFlight: number;
  mostInFlight: number;
  hidden: boolean;
  onResume: () => void;
  onStorage: () => void;
  /** Simulates a crash: the tab gets no response and no event any more. */
  kill: () => void;
}

export interface BrowserOptions {
  delivery?: Delivery;
  locks?: boolean;
  channel?: boolean;
  /** Whether tabs get an event for what others write to storage. */
  storageEvents?: boolean;
  random?: () => number;
  /** The delay of a message to the other tabs. */
  channelDelay?: () => number;
  client?: Partial<ClientOptions>;
}

/** One browser with tabs, one storage, one cookie jar, and the network between it and the server. */
export class FakeBrowser {
  readonly world = new World();
  readonly server = new FakeServer(this.world);
  readonly cookies = new Map<string, string>();
  /** The content of the store. */
  stored: string | null = null;
  /** Writes to the store and uses of access tokens, in order. */
  readonly operations: string[] = [];
  network: (route: string) => NetworkConditions = () => ({ there: 5, back: 5 });
  storeDelay: () => number = () => 0;
  /** Requests with `keepalive`, which outlive the page. */
  readonly keepalive: string[] = [];
  /** The response of all other origins. */
  respondElsewhere: () => Response = () => new Response('elsewhere');
  readonly elsewhere: { url: string; token: string | null; body: unknown }[] = [];
  private readonly tabs = new Set<Tab>();
  private readonly channels = new Set<{ tab: Tab; onMessage: (message: unknown) => void }>();
  private slept = 0;
  private readonly locks = new Map<string, { holder: Tab | undefined; waiting: { tab: Tab; go: () => void }[] }>();

  constructor(private readonly options: BrowserOptions = {}) {}

  openTab(): Tab {
    const tab: Tab = {
      client: undefined as never,
      changes: [],
      inFlight: 0,
      mostInFlight: 0,
      hidden: false,
      onResume: () => undefined,
      onStorage: () => undefined,
      kill: () => {
        this.tabs.delete(tab);
        for (const lock of this.locks.keys()) this.release(lock, tab);
      },
    };
    this.tabs.add(tab);
    tab.client = clientOn(this.platformOf(tab), {
      baseUrl: API,
      delivery: this.options.delivery ?? 'body',
      store: this.storeOf(tab),
      ...this.options.client,
    });
    tab.client.onChange((change) => tab.changes.push(change));
    return tab;
  }

  /** The device sleeps: time passes, but its monotonic clock stands still. */
  sleep(ms: number): void {
    this.slept += ms;
    this.world.now += ms;
  }

  private platformOf(tab: Tab): Platform {
    const { world, options } = this;
    const random = options.random ?? (() => 0.5);
    return {
      fetch: (input, init) => this.alive(tab, this.send(tab, input as string | Request, init)),
      now: () => world.now - this.slept,
      random,
      sleep: (ms) => this.alive(tab, new Promise((resolve) => void world.after(ms, resolve))),
      timeout: (ms) => {
        const controller = new AbortController();
        world.after(ms, () => controller.abort(new DOMException('The operation timed out.', 'TimeoutError')));
        return controller.signal;
      },
      withLock: (name, waitMs, work) => (options.locks === false ? work() : this.withLock(tab, name, waitMs, work)),
      channel: (_name, onMessage) => this.channel(tab, onMessage),
      hidden: () => tab.hidden,
      watch: ({ onResume, onStorage }) => {
        Object.assign(tab, { onResume, onStorage });
        return () => Object.assign(tab, { onResume: () => undefined, onStorage: () => undefined });
      },
    };
  }

  /** Settles only while the tab exists. */
  private alive<T>(tab: Tab, work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      work.then(
        (value) => void (this.tabs.has(tab) && resolve(value)),
        (error: unknown) => void (this.tabs.has(tab) && reject(error as Error)),
      );
    });
  }

  private storeOf(tab: Tab): TokenStore {
    const later = <T>(operation: () => T): Promise<T> =>
      this.alive(
        tab,
        new Promise((resolve) => {
          const delay = this.storeDelay();
          const run = () => void (this.tabs.has(tab) && resolve(operation()));
          if (delay === 0) run();
          else this.world.after(delay, run);
        }),
      );
    return {
      read: () => later(() => this.stored),
      write: (text) =>
        later(() => {
          this.stored = text;
          this.announce(tab);
          this.operations.push(`stored ${text}`);
        }),
      clear: () =>
        later(() => {
          this.stored = null;
          this.announce(tab);
        }),
    };
  }

  private announce(writer: Tab): void {
    if (!this.options.storageEvents) return;
    for (const tab of this.tabs) if (tab !== writer) this.world.after(1, () => tab.onStorage());
  }

  private async send(tab: Tab, input: string | Request, init: RequestInit = {}): Promise<Response> {
    const url = new URL(typeof input === 'string' ? input : input.url);
    if (url.href.includes('e30.')) throw new Error('A token in an address');
    const headers = new Headers(init.headers ?? (typeof input === 'string' ? undefined : input.headers));
    const token = headers.get('authorization')?.replace('Bearer ', '') ?? null;
    const method = init.method ?? (typeof input === 'string' ? 'GET' : input.method);
    if (url.origin !== API) {
      this.elsewhere.push({ url: url.href, token, body: init.body });
      return this.respondElsewhere();
    }
    const route = `${method} ${url.pathname}`;
    const body = typeof input === 'string' ? init.body : await input.text();
    // A redirect would send the body, with its token, to another address.
    if (route.startsWith('POST /auth/') && init.redirect !== 'error') throw new Error('Follows redirects');
    if (init.keepalive) this.keepalive.push(route);
    const refreshes = route === 'POST /auth/refresh';
    if (refreshes) tab.mostInFlight = Math.max(tab.mostInFlight, (tab.inFlight += 1));
    if (token) this.operations.push(`used ${token}`);
    try {
      return await this.travel(route, token, body, init);
    } finally {
      if (refreshes) tab.inFlight -= 1;
    }
  }

  private travel(route: string, token: string | null, body: unknown, init: RequestInit): Promise<Response> {
    const { world } = this;
    const signal = init.signal ?? undefined;
    const network = this.network(route);
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      signal?.addEventListener('abort', () => reject(signal.reason as Error));
      if (network.refused) return reject(new TypeError('Failed to fetch'));
      if (network.lost === 'request') return undefined;
      // The browser adds the cookies at the time of sending.
      const cookies = init.credentials === 'include' ? new Map(this.cookies) : undefined;
      return world.after(network.there, () => {
        const parsed = typeof body === 'string' && body.startsWith('{') ? JSON.parse(body) : undefined;
        const { response, cookies: set } = this.server.handle({ route, token, body: parsed, cookies });
        if (network.lost === 'response') return;
        world.after(network.back, () => {
          if (signal?.aborted) return;
          for (const [name, value] of set) {
            if (value === null) this.cookies.delete(name);
            else this.cookies.set(name, value);
          }
          resolve(response);
        });
      });
    });
  }

  private async withLock<T>(tab: Tab, name: string, waitMs: number, work: () => Promise<T>): Promise<T> {
    const lock = this.locks.get(name) ?? { holder: undefined, waiting: [] };
    this.locks.set(name, lock);
    let mine = true;
    if (lock.holder) {
      mine = await this.alive(
        tab,
        new Promise<boolean>((resolve) => {
          const waiter = { tab, go: () => resolve(true) };
          lock.waiting.push(waiter);
          this.world.after(waitMs, () => {
            const index = lock.waiting.indexOf(waiter);
            if (index !== -1) lock.waiting.splice(index, 1);
            resolve(false);
          });
        }),
      );
    }
    if (mine) lock.holder = tab;
    return work().finally(() => this.release(name, tab));
  }

  private release(name: string, tab: Tab): void {
    const lock = this.locks.get(name)!;
    if (lock.holder !== tab) return;
    let next = lock.waiting.shift();
    while (next && !this.tabs.has(next.tab)) next = lock.waiting.shift();
    lock.holder = next?.tab;
    // By default longer than a message between tabs, as in browsers.
    if (next) this.world.after(2, next.go);
  }

  private channel(tab: Tab, onMessage: (message: unknown) => void): ReturnType<Platform['channel']> {
    const own = { tab, onMessage };
    if (this.options.channel !== false) this.channels.add(own);
    const broadcast = (message: unknown) => {
      if (!this.channels.has(own)) return;
      for (const other of this.channels) {
        if (other === own) continue;
        const copy = structuredClone(message);
        this.world.after(
          this.options.channelDelay?.() ?? 1,
          () => void (this.tabs.has(other.tab) && other.onMessage(copy)),
        );
      }
    };
    return { broadcast, close: () => void this.channels.delete(own) };
  }
}
