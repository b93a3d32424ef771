/** What the client needs of the browser. It also works where locks, channel or page events are missing. */
export interface Platform {
  fetch: typeof fetch;
  /** Monotonic milliseconds. This clock may stop while the device sleeps; the server's 401 then shows that time passed. */
  now: () => number;
  random: () => number;
  sleep: (ms: number) => Promise<void>;
  /** Aborts after this time. */
  timeout: (ms: number) => AbortSignal;
  /** Runs `work` in one tab at a time. After `waitMs` it runs without the lock. */
  withLock: <T>(name: string, waitMs: number, work: () => Promise<T>) => Promise<T>;
  /** Joins the channel to the other tabs. */
  channel: (
    name: string,
    onMessage: (message: unknown) => void,
  ) => { broadcast: (message: unknown) => void; close: () => void };
  hidden: () => boolean;
  /** `onResume`: the network is back, or the page became visible. `onStorage`: another tab wrote to storage. */
  watch: (listeners: { onResume: () => void; onStorage: () => void }) => () => void;
}

interface Globals {
  navigator?: { locks?: { request(name: string, options: object, work: () => Promise<unknown>): Promise<unknown> } };
  BroadcastChannel?: new (name: string) => Channel;
  document?: EventTarget & { visibilityState: string };
  addEventListener?: EventTarget['addEventListener'];
}

interface Channel {
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  postMessage(message: unknown): void;
  close(): void;
  unref?(): void;
}

const globals = globalThis as unknown as Globals;

export const browser: Platform = {
  fetch: (...call) => fetch(...call),
  now: () => performance.now(),
  random: Math.random,
  sleep: (ms) => new Promise((resolve) => void setTimeout(resolve, ms)),
  timeout: (ms) => AbortSignal.timeout(ms),

  async withLock<T>(name: string, waitMs: number, work: () => Promise<T>): Promise<T> {
    let started: Promise<T> | undefined;
    const start = () => (started ??= work());
    // A frozen tab can keep a lock, and a browser can refuse locks: then the work starts without one.
    await globals.navigator?.locks?.request(name, { signal: browser.timeout(waitMs) }, start).catch(() => undefined);
    return start();
  },

  channel(name, onMessage) {
    let channel: Channel | undefined;
    try {
      channel = globals.BroadcastChannel && new globals.BroadcastChannel(name);
    } catch {
      // Firefox throws where the user blocked cookies.
    }
    channel?.addEventListener('message', ({ data }) => onMessage(data));
    // In Node an open channel keeps the process running.
    channel?.unref?.();
    return {
      broadcast: (message) => channel?.postMessage(message),
      close() {
        channel?.close();
        channel = undefined;
      },
    };
  },

  hidden: () => globals.document?.visibilityState === 'hidden',

  watch({ onResume, onStorage }) {
    const controller = new AbortController();
    const options = { signal: controller.signal };
    globals.addEventListener?.('online', onResume, options);
    globals.addEventListener?.('storage', onStorage, options);
    globals.document?.addEventListener('visibilitychange', () => void (browser.hidden() || onResume()), options);
    return () => controller.abort();
  },
};
