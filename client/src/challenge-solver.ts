/** As the server sends it. Everything that is not listed goes back unread. */
export interface Challenge {
  parameters: {
    algorithm: string;
    nonce: string;
    salt: string;
    cost: number;
    keyLength: number;
    keyPrefix: string;
  };
  signature: string;
}

export interface Solution {
  counter: number;
  derivedKey: string;
}

/** Far beyond the 1,000 of a server: a challenge that nobody can solve ends in an error. */
const MAX_KEYS = 100_000;

/**
 * Finds the counter whose key begins with the prefix of the challenge. `pause` is called after each key. Throws where there
 * is none, for another kind of challenge, and without Web Crypto (pages that are neither https nor localhost).
 */
export async function findSolution({ parameters }: Challenge, pause?: () => Promise<void> | void): Promise<Solution> {
  const { algorithm, nonce, salt, cost, keyLength, keyPrefix } = parameters;
  const [kind, hash] = algorithm.split('/');
  if (kind !== 'PBKDF2' || !hash) throw new Error(`Unknown challenge: ${algorithm}`);
  const derivation = { name: kind, hash, salt: toBytes(salt), iterations: cost };
  // The password of a key: the nonce, and the counter in 32 bits, big-endian.
  const password = toBytes(`${nonce}00000000`);
  const view = new DataView(password.buffer);
  for (let counter = 0; counter < MAX_KEYS; counter++) {
    view.setUint32(password.length - 4, counter);
    const key = await crypto.subtle.importKey('raw', password, kind, false, ['deriveBits']);
    const derivedKey = toHex(await crypto.subtle.deriveBits(derivation, key, keyLength * 8));
    if (derivedKey.startsWith(keyPrefix)) return { counter, derivedKey };
    await pause?.();
  }
  throw new Error('The challenge has no solution');
}

function toBytes(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));
}

function toHex(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
