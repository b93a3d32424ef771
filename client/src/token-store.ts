/**
 * Keeps the refresh token in `body` delivery. One store may serve several servers; `server` is the server's address.
 * `write` resolves only when the text is durable: the client uses an access token after that, and a browser that then
 * comes back from a crash with an older refresh token looks like a replay. Every call waits for these methods.
 */
export interface TokenStore {
  read(server: string): string | null | Promise<string | null>;
  write(text: string, server: string): void | Promise<void>;
  clear(server: string): void | Promise<void>;
  /** Whether each `server` has a text of its own. Only then the client keeps device tokens: it adds names of its own. */
  readonly keyed?: boolean;
}

/** Each tab has its own session, which is gone when the tab closes. Nothing is left on the device. */
export function memoryStore(): TokenStore {
  const kept = new Map<string, string>();
  return {
    keyed: true,
    read: (server) => kept.get(server) ?? null,
    write: (text, server) => void kept.set(server, text),
    clear: (server) => void kept.delete(server),
  };
}

/**
 * Survives a reload, and all tabs of the origin share it. Where the browser refuses storage, it keeps the text in memory.
 *
 * The risk: every script in the page, also an injected one or one of a dependency, can read and steal the refresh token.
 * Prefer `cookie` delivery. Chromium writes to the disk with a delay of seconds, at most once a minute: after a crash
 * within that time the user may have to sign in again.
 */
export function localStorageStore(key = 'latchkey'): TokenStore {
  const memory = memoryStore();
  let isAllowed = true;
  const withStorage = <T>(operation: (storage: Storage) => T): T | undefined => {
    try {
      return operation((globalThis as unknown as { localStorage: Storage }).localStorage);
    } catch {
      isAllowed = false;
      return undefined;
    }
  };
  const keyOf = (server: string) => `${key} ${server}`;
  return {
    keyed: true,
    read(server) {
      const text = isAllowed && withStorage((storage) => storage.getItem(keyOf(server)));
      return isAllowed ? text || null : memory.read(server);
    },
    write(text, server) {
      if (isAllowed) withStorage((storage) => storage.setItem(keyOf(server), text));
      if (isAllowed) return;
      // Storage may be full. The older text must not stay there.
      withStorage((storage) => storage.removeItem(keyOf(server)));
      return memory.write(text, server);
    },
    clear(server) {
      withStorage((storage) => storage.removeItem(keyOf(server)));
      return memory.clear(server);
    },
  };
}

interface Storage {
  getItem(key: string): string | null;
  setItem(key: string, text: string): void;
  removeItem(key: string): void;
}
