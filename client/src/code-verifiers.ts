/** What a code is for. A verifier of one purpose proves nothing for another. */
export type Purpose = 'verify' | 'reset' | 'change';

/** Globals that may be missing: no server has storage, and browsers have `subtle` only on https and localhost. */
interface Globals {
  crypto?: {
    getRandomValues(bytes: Uint8Array): Uint8Array;
    subtle?: { digest(algorithm: string, bytes: Uint8Array): Promise<ArrayBuffer> };
  };
  sessionStorage?: {
    getItem(key: string): string | null;
    setItem(key: string, text: string): void;
    removeItem(key: string): void;
  };
}

/**
 * Code verifiers (RFC 7636, S256): only the browser tab that asked for a mail can use its six-digit code. They are kept in
 * `sessionStorage`, where a reload finds them, and in memory where the browser refuses storage.
 */
export class CodeVerifiers {
  private readonly globals = globalThis as unknown as Globals;
  private readonly memory = new Map<Purpose, string>();

  constructor(private readonly server: string) {}

  /**
   * The challenge of this tab's verifier. A second mail gets the same one, so that the code of either mail works. Undefined
   * without WebCrypto: then the mail has only a link.
   */
  async challenge(purpose: Purpose): Promise<string | undefined> {
    const { crypto } = this.globals;
    if (!crypto?.subtle) return undefined;
    const verifier = this.find(purpose) ?? base64url(crypto.getRandomValues(new Uint8Array(32)));
    this.memory.set(purpose, verifier);
    this.inStorage((storage, key) => storage.setItem(key, verifier), purpose);
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
    return base64url(new Uint8Array(digest));
  }

  find(purpose: Purpose): string | undefined {
    return this.memory.get(purpose) ?? this.inStorage((storage, key) => storage.getItem(key), purpose) ?? undefined;
  }

  /** A verifier is used for the mails of one redemption. */
  forget(purpose: Purpose): void {
    this.memory.delete(purpose);
    this.inStorage((storage, key) => storage.removeItem(key), purpose);
  }

  /** Undefined where the browser refuses storage, or has no room. */
  private inStorage<T>(
    operation: (storage: NonNullable<Globals['sessionStorage']>, key: string) => T,
    purpose: Purpose,
  ): T | undefined {
    try {
      return operation(this.globals.sessionStorage!, `latchkey ${this.server} ${purpose}`);
    } catch {
      return undefined;
    }
  }
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replace(/\+/g, '-')
    .replace(/\//g, '_')
    .replace(/=/g, '');
}
