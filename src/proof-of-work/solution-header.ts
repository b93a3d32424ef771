import type { Payload } from 'altcha-lib/types';

/** Those of this version have about 750 characters. */
const MAX_LENGTH = 2000;

/**
 * Reads the header `Latchkey-Challenge`: base64 of the JSON that the library calls a payload. Null unless each part that is
 * used before the signature is verified is there and of its type. Nothing in it is verified.
 */
export function readSolutionHeader(header: unknown): Payload | null {
  if (typeof header !== 'string' || header.length > MAX_LENGTH || !/^[A-Za-z0-9+/]+={0,2}$/.test(header)) return null;
  const payload = asObject(parseJson(Buffer.from(header, 'base64').toString()));
  const challenge = asObject(payload['challenge']);
  const parameters = asObject(challenge['parameters']);
  const { signature } = challenge;
  const { counter, derivedKey } = asObject(payload['solution']);
  if (typeof signature !== 'string' || typeof counter !== 'number' || typeof derivedKey !== 'string') return null;
  return {
    challenge: { parameters: parameters as unknown as Payload['challenge']['parameters'], signature },
    solution: { counter, derivedKey },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Empty for anything else than an object. */
export function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
