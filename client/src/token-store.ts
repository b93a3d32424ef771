/**
 * Where the refresh token is kept, in `body` delivery. `server` is the address of the server that it is of: one store may
 * serve several. `write` returns, or resolves, only when a crash of the browser would not undo it: an access token that is
 * used before that looks like a theft when an older refresh token comes back. What never settles holds up every call.
 */
export interface TokenStore {
  read(server: string): string | null | Promise<string | null>;
  write(text: string, server: string): void | Promise<void>;
  clear(server: string): void | Promise<void>;
}

/** Gone with the tab, and of no other tab: nothing is left on the device. */
export function memoryStore(): TokenStore {
  const kept = new Map<string, string>();
  return {
    read: (server) => kept.get(server) ?? null,
    write: (text, server) => void kept.set(server, text),
    clear: (server) => void kept.delete(server),
  };
}

/**
 * Survives a reload and is shared by all tabs of the origin; a browser that allows no storage forgets it with the tab.
 * The risk: any script that runs in the page, by injection or from a dependency, can read the refresh token and carry it
 * away; prefer `cookie` delivery. Chromium writes it to the disk seconds later, and at most once a minute: a browser that
 * is killed before that may have to sign in again.
 */
export function localStorageStore(key = 'latchkey'): TokenStore {
  const memory = memoryStore();
  let isAllowed = true;
  const local = <T>(deed: (storage: Storage) => T): T | undefined => {
    try {
      return deed((globalThis as unknown as { localStorage: Storage }).localStorage);
    } catch {
      isAllowed = false;
      return undefined;
    }
  };
  const nameOf = (server: string) => `${key} ${server}`;
  return {
    read(server) {
      const text = isAllowed && local((storage) => storage.getItem(nameOf(server)));
      return isAllowed ? text || null : memory.read(server);
    },
    write(text, server) {
      if (isAllowed) local((storage) => storage.setItem(nameOf(server), text));
      if (isAllowed) return;
      // Full, perhaps: what is left there would be an older one.
      local((storage) => storage.removeItem(nameOf(server)));
      return memory.write(text, server);
    },
    clear(server) {
      local((storage) => storage.removeItem(nameOf(server)));
      return memory.clear(server);
    },
  };
}

interface Storage {
  getItem(key: string): string | null;
  setItem(key: string, text: string): void;
  removeItem(key: string): void;
}
