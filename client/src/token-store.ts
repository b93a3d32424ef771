/**
 * Where the refresh token is kept, in `body` delivery. `write` returns, or resolves, only when a crash of the browser
 * would not undo it: an access token that is used before that looks like a theft when an older refresh token comes back.
 */
export interface TokenStore {
  read(): string | null | Promise<string | null>;
  write(text: string): void | Promise<void>;
  clear(): void | Promise<void>;
}

/** Gone with the tab, and of no other tab: nothing is left on the device. */
export function memoryStore(): TokenStore {
  let kept: string | null = null;
  return {
    read: () => kept,
    write: (text) => void (kept = text),
    clear: () => void (kept = null),
  };
}

/**
 * Survives a reload and is shared by all tabs of the origin. The risk: any script that runs in the page, by injection or
 * from a dependency, can read the refresh token and carry it away; prefer `cookie` delivery. Chromium writes it to the
 * disk seconds later, and at most once a minute: a browser that is killed before that may have to sign in again.
 */
export function localStorageStore(key = 'latchkey'): TokenStore {
  return {
    read: () => storage().getItem(key),
    write: (text) => storage().setItem(key, text),
    clear: () => storage().removeItem(key),
  };
}

/** For what is no secret: a browser that allows no storage forgets it with the tab. */
export function localNote(key: string): TokenStore {
  try {
    const store = localStorageStore(key);
    void store.read();
    return store;
  } catch {
    return memoryStore();
  }
}

function storage() {
  return (globalThis as unknown as { localStorage: Storage }).localStorage;
}

interface Storage {
  getItem(key: string): string | null;
  setItem(key: string, text: string): void;
  removeItem(key: string): void;
}
