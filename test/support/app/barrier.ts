import { vi } from 'vitest';
import { PasswordHasher } from '../../../src/passwords/password-hasher.js';
import type { TestApp } from './app.js';

interface Barrier {
  /** Resolves when a call waits at the barrier. */
  reached: Promise<void>;
  open: () => void;
}

/**
 * Holds the next call of the hasher's `verify` or `hash` between its work and its return, so that a test can let other
 * requests overtake it.
 */
export function holdNext({ app }: Pick<TestApp, 'app'>, method: 'verify' | 'hash'): Barrier {
  const hasher = app.get(PasswordHasher);
  const [reached, opened] = [signal(), signal()];
  const work = hasher[method].bind(hasher) as (...values: unknown[]) => Promise<never>;
  vi.spyOn(hasher, method).mockImplementationOnce(async (...values: unknown[]) => {
    const result = await work(...values);
    reached.give();
    await opened.given;
    return result;
  });
  return { reached: reached.given, open: opened.give };
}

export function signal(): { given: Promise<void>; give: () => void } {
  let give = () => {};
  const given = new Promise<void>((resolve) => {
    give = resolve;
  });
  return { given, give };
}
