import type { KeyObject } from 'node:crypto';
import { deriveHmacKeys } from '../tokens/hmac-keys.js';

/** Secrets of `altcha-lib`: one signs the challenge, the other the key that solves it. */
export interface ChallengeSecrets {
  hmacSignatureSecret: string;
  hmacKeySignatureSecret: string;
}

/** The first secret of APP_SECRET signs, all of them verify: a new one can be rolled out over several processes. */
export interface ChallengeKeys {
  byId: Map<string, ChallengeSecrets>;
  signer: ChallengeSecrets & { kid: string };
}

/** Derives them by HKDF: nothing else is signed with them. */
export function deriveChallengeKeys(secrets: string[]): ChallengeKeys {
  const challenge = deriveHmacKeys(secrets, 'challenge');
  const solutions = [...deriveHmacKeys(secrets, 'solution').byId.values()];
  const byId = new Map(
    [...challenge.byId].map(([kid, key], i) => [
      kid,
      { hmacSignatureSecret: toText(key), hmacKeySignatureSecret: toText(solutions[i]!) },
    ]),
  );
  const { kid } = challenge.signer;
  return { byId, signer: { kid, ...byId.get(kid)! } };
}

/** The library takes secrets as text. */
function toText(key: KeyObject): string {
  return key.export().toString('base64url');
}
