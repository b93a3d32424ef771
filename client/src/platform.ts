/** What the client needs of the browser. Where something is missing, it does without. */
export interface Platform {
  fetch: typeof fetch;
  /** Monotonic milliseconds. May stand still while the device sleeps: the server's 401 is the truth then. */
  now: () => number;
  random: () => number;
  sleep: (ms: number) => Promise<void>;
  /** Aborts after this time. */
  timeout: (ms: number) => AbortSignal;
  /** Works alone among all tabs, or after `waitMs` without waiting for the others any longer. */
  withLock: <T>(name: string, waitMs: number, work: () => Promise<T>) => Promise<T>;
  /** Hears the other tabs, and responses how to speak to them and how to stop. */
  channel: (
    name: string,
    onMessage: (message: unknown) => void,
  ) => { broadcast: (message: unknown) => void; close: () => void };
  hidden: () => boolean;
  /** `onResume`: the network is back, or the page is looked at again. `onStorage`: another tab wrote to storage. */
  watch: (listeners: { onResume: () => void; onStorage: () => void }) => () => void;
}

interface Globals {
  navigator?: { locks?: { request(name: string, options: object, work: () => Promise<void>): Promise<void> } };
  BroadcastChannel?: new (name: string) => Channel;
  document?: EventTarget & { visibilityState: string };
  addEventListener?: EventTarget['addEventListener'];
  removeEventListener?: EventTarget['removeEventListener'];
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
    let begun: Promise<T> | undefined;
    const begin = () => (begun ??= work());
    // A lock can stay with a tab that was frozen while it held it, or be refused altogether.
    await globals.navigator?.locks
      ?.request(name, { signal: AbortSignal.timeout(waitMs) }, () => begin().then(() => undefined))
      .catch(() => undefined);
    return begin();
  },

  channel(name, onMessage) {
    let channel: Channel | undefined;
    try {
      channel = globals.BroadcastChannel && new globals.BroadcastChannel(name);
    } catch {
      // Firefox, where cookies are blocked.
    }
    channel?.addEventListener('message', ({ data }) => onMessage(data));
    // In Node it would keep the process running.
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
    const shown = () => void (browser.hidden() || onResume());
    globals.addEventListener?.('online', onResume);
    globals.addEventListener?.('storage', onStorage);
    globals.document?.addEventListener('visibilitychange', shown);
    return () => {
      globals.removeEventListener?.('online', onResume);
      globals.removeEventListener?.('storage', onStorage);
      globals.document?.removeEventListener('visibilitychange', shown);
    };
  },
};
