import { createHmac, type KeyObject } from 'node:crypto';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SigningKeysService } from '../../../src/signing-keys/signing-keys.service.js';
import { TokenSigner } from '../../../src/tokens/token-signer.js';
import { createTestApp, type TestApp } from '../../support/app/app.js';
import { refresh, register } from '../../support/app/users.js';
import { es256 } from '../../support/forgeries/access-forgeries.js';
import { takeApart, type Mint } from '../../support/forgeries/forge.js';
import {
  embedKey,
  keyGroups,
  keyOf,
  mapToken,
  signatureGroups,
  tokenGroups,
} from '../../support/forgeries/wycheproof.js';

/** ES256 of the library that verifies our tokens, below `@nestjs/jwt`. */
const { verify } = libraryBelow(['@nestjs/jwt', 'jsonwebtoken', 'jws'], 'jwa')('ES256');

type Jwa = (algorithm: string) => { verify: (text: Buffer, signature: string, key: KeyObject) => boolean };

function libraryBelow(parents: string[], name: string): Jwa {
  let require = createRequire(import.meta.url);
  for (const parent of parents) require = createRequire(require.resolve(parent));
  return require(name) as Jwa;
}

const inBase64url = (hex: string) => Buffer.from(hex, 'hex').toString('base64url');

describe('the test vectors of Project Wycheproof', () => {
  let test: TestApp;
  let access: Mint;
  let refreshing: Mint;
  beforeAll(async () => {
    test = await createTestApp();
    const { tokens } = await register(test.http);
    const { privateKey } = test.app.get(SigningKeysService, { strict: false }).signer;
    access = takeApart(tokens.access_token, es256(privateKey));
    const { key } = test.app.get(TokenSigner, { strict: false })['refreshKey'];
    refreshing = takeApart(tokens.refresh_token, (text) => createHmac('sha256', key).update(text).digest('base64url'));
  });
  afterAll(() => test.close());

  /** Whether a token is accepted where tokens of its kind are. Every other response is a 401 or 400. */
  async function isAccepted(token: string, kind: Mint): Promise<boolean> {
    const isAccess = kind === access;
    const { status } = isAccess ? await test.http.get('/auth/whoami', { token }) : await refresh(test.http, token);
    if (status !== 200) expect(isAccess ? [401] : [400, 401]).toContain(status);
    return status === 200;
  }

  it('have the ES256 signatures verified as they say, all 262', () => {
    const vectors = signatureGroups.flatMap((group) => group.tests.map((vector) => ({ group, vector })));
    expect(vectors).toHaveLength(262);
    for (const { group, vector } of vectors) {
      const [text, signature] = [Buffer.from(vector.msg, 'hex'), inBase64url(vector.sig)];
      const key = keyOf(group.publicKeyUncompressed);
      expect(
        isTrue(() => verify(text, signature, key)),
        `${vector.tcId} ${vector.comment}`,
      ).toBe(vector.result === 'valid');
    }
  });

  it('have every invalid ES256 signature refused on an access token of ours', async () => {
    const text = access.token.split('.').slice(0, 2).join('.');
    const signatures = signatureGroups.flatMap(({ tests }) => tests).filter(({ result }) => result === 'invalid');
    expect(signatures.length).toBeGreaterThan(80);
    for (const { sig, tcId } of signatures) {
      expect(await isAccepted(`${text}.${inBase64url(sig)}`, access), `${tcId}`).toBe(false);
    }
    expect(await isAccepted(`${text}.${access.sign(text)}`, access)).toBe(true);
  });

  it('have their attacks on a JWS refused, mapped onto tokens and keys of ours', async () => {
    const accepted: string[] = [];
    let attacks = 0;
    for (const group of tokenGroups) {
      for (const vector of group.tests) {
        const kind = group.keys[0]!.kty === 'EC' ? access : refreshing;
        if (await isAccepted(mapToken(vector, group, kind), kind)) accepted.push(`${vector.result}: ${vector.comment}`);
        if (vector.result !== 'valid') attacks += 1;
      }
    }
    expect(attacks).toBeGreaterThan(60);
    expect(accepted.filter((text) => !text.startsWith('valid: '))).toEqual([]);
    expect(accepted).toEqual(expect.arrayContaining(['valid: acceptsValid', 'valid: ValidMac', 'valid: valid']));
  });

  it('have their keys refused in the header of a token of ours', async () => {
    const vectors = keyGroups.flatMap(({ keys, tests }) => keys.map((key) => ({ key, vector: tests[0]! })));
    expect(vectors.length).toBeGreaterThan(10);
    for (const { key, vector } of vectors) {
      for (const kind of [access, refreshing]) {
        expect(await isAccepted(embedKey(vector, key, kind), kind), vector.comment).toBe(false);
      }
    }
  });
});

function isTrue(check: () => boolean): boolean {
  try {
    return check();
  } catch {
    return false;
  }
}
