import { describe, expect, it } from 'vitest';
import { isNewer, readAccess, readTokenResponse, readStored, type AccessToken } from './credential.js';

const jwt = (claims: object) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;
const SID = '019aa8f4-7a3e-7c1a-9d8a-0d8a4d3c9b11';
const claims = { sid: SID, sub: 'grace', gen: 3, iat: 1000 };

describe('a stored credential', () => {
  it.each([null, '', 'x', 'a.b.c', 'a..c', jwt({}), jwt({ ...claims, gen: 'x' }), 'e30.bnVsbA.c2ln'])(
    'is ignored when it is malformed: %s',
    (text) => {
      expect(readStored('body', text)).toBeNull();
    },
  );

  it('contains session and user in both deliveries', () => {
    const text = jwt({ ...claims, name: 'Gráce ✓ ÿ' });
    expect(readStored('body', text)).toEqual({ text, sessionId: SID, userId: 'grace', generation: 3 });
    const note = `${SID} grace`;
    expect(readStored('cookie', note)).toEqual({ text: note, sessionId: SID, userId: 'grace', generation: 0 });
    expect(readStored('cookie', SID)).toBeNull();
  });

  it('never contains a token in cookie delivery', () => {
    const token = jwt(claims);
    const response = { access_token: token, refresh_token: token, token_type: 'Bearer', expires_in: 900 } as const;
    const read = readTokenResponse('cookie', { ...response, refresh_expires_in: 1, session_id: SID }, 0, 0);
    expect(read?.stored.text).toBe(`${SID} grace`);
  });
});

describe('an access token', () => {
  const access = (more: object = {}) => readAccess(jwt({ ...claims, ...more }), 900, 0, 0) as AccessToken;

  it.each([
    [900, 675_000, 809_999, 890_000],
    [20, 15_000, 17_999, 18_000],
    [0, 0, 0, 0],
  ])('with a lifetime of %i s is refreshed after 75 to 90 % of it', (seconds, first, last, dead) => {
    const [one, two] = [0, 0.999_999].map((random) => readAccess(jwt(claims), seconds, 5_000, random)!);
    expect([one!.refreshAt - 5_000, Math.floor(two!.refreshAt - 5_000), one!.usableUntil - 5_000]).toEqual([
      first,
      last,
      dead,
    ]);
    expect(two!.refreshAt).toBeLessThanOrEqual(two!.usableUntil);
  });

  it.each([undefined, 'x', Number.NaN, -1])('with a lifetime of %s is rejected', (seconds) => {
    expect(readAccess(jwt(claims), seconds as number, 0, 0)).toBeNull();
  });

  it('replaces only an older one: by generation, then by time of issue', () => {
    expect(isNewer(access(), null)).toBe(true);
    expect(isNewer(access({ gen: 4, iat: 1 }), access())).toBe(true);
    expect(isNewer(access({ gen: 2, iat: 9999 }), access())).toBe(false);
    expect(isNewer(access({ iat: 1001 }), access())).toBe(true);
    expect(isNewer(access({ iat: 999 }), access())).toBe(false);
    expect(isNewer(access({ gen: 1, sid: 'another' }), access())).toBe(true);
  });
});
