import type { Delivery } from '../api.js';
import type { SessionChange } from '../changes.js';
import { clientOn, type Client, type ClientOptions } from '../client.js';
import type { Platform } from '../platform.js';
import type { TokenStore } from '../token-store.js';
import { FakeServer } from './fake-server.js';
import { World } from './world.js';

export const API = 'https://auth.example.com';

/** What happens to a message on its way. `lost` hangs until the client gives up; `refused` fails at once. */
export interface Fate {
  there: number;
  back: number;
  lost?: 'request' | 'response';
  refused?: boolean;
}

export interface Tab {
  client: Client;
  changes: SessionChange[];
  /** Refreshes that it waits for; and the most there ever were at once. */
  inFlight: number;
  mostInFlight: number;
  hidden: boolean;
  onResume: () => void;
  onStorage: () => void;
  /** As when it crashes: nothing that it waits for ever comes. */
  kill: () => void;
}

export interface BrowserOptions {
  delivery?: Delivery;
  locks?: boolean;
  channel?: boolean;
  /** Whether tabs get an event for what others write to storage. */
  storageEvents?: boolean;
  random?: () => number;
  /** How long a message takes to the other tabs. */
  channelDelay?: () => number;
  client?: Partial<ClientOptions>;
}

/** One browser with tabs, one storage, one cookie jar, and the network between it and the server. */
export class FakeBrowser {
  readonly world = new World();
  readonly server = new FakeServer(this.world);
  readonly cookies = new Map<string, string>();
  /** What is stored in `body` delivery. */
  stored: string | null = null;
  /** What storage was asked to do, and which tokens were used, in order. */
  readonly deeds: string[] = [];
  fate: (route: string) => Fate = () => ({ there: 5, back: 5 });
  storeDelay: () => number = () => 0;
  /** What was sent so that it arrives even if the page is closed. */
  readonly outliving: string[] = [];
  /** What other origins than the server response. */
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

  /** The device sleeps: its monotonic clock stands still, and the world goes on. */
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

  /** Nothing comes to a tab that is no more. */
  private alive<T>(tab: Tab, work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      work.then(
        (value) => void (this.tabs.has(tab) && resolve(value)),
        (error: unknown) => void (this.tabs.has(tab) && reject(error as Error)),
      );
    });
  }

  private storeOf(tab: Tab): TokenStore {
    const later = <T>(deed: () => T): Promise<T> =>
      this.alive(
        tab,
        new Promise((resolve) => {
          const delay = this.storeDelay();
          const run = () => void (this.tabs.has(tab) && resolve(deed()));
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
          this.deeds.push(`stored ${text}`);
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
    // A redirect would carry what is in the body along.
    if (route.startsWith('POST /auth/') && init.redirect !== 'error') throw new Error('Follows redirects');
    if (init.keepalive) this.outliving.push(route);
    const refreshes = route === 'POST /auth/refresh';
    if (refreshes) tab.mostInFlight = Math.max(tab.mostInFlight, (tab.inFlight += 1));
    if (token) this.deeds.push(`used ${token}`);
    try {
      return await this.travel(route, token, body, init);
    } finally {
      if (refreshes) tab.inFlight -= 1;
    }
  }

  private travel(route: string, token: string | null, body: unknown, init: RequestInit): Promise<Response> {
    const { world } = this;
    const signal = init.signal ?? undefined;
    const fate = this.fate(route);
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      signal?.addEventListener('abort', () => reject(signal.reason as Error));
      if (fate.refused) return reject(new TypeError('Failed to fetch'));
      if (fate.lost === 'request') return undefined;
      // The browser puts the cookies in when it sends.
      const cookies = init.credentials === 'include' ? new Map(this.cookies) : undefined;
      return world.after(fate.there, () => {
        const parsed = typeof body === 'string' && body.startsWith('{') ? JSON.parse(body) : undefined;
        const { response, cookies: set } = this.server.handle({ route, token, body: parsed, cookies });
        if (fate.lost === 'response') return;
        world.after(fate.back, () => {
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
    // Longer than a message takes, as a rule: both go by way of the browser.
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
