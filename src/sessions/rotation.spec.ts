import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { consult, type Rule } from './rotation.oracle.js';
import { judge, type RotationPolicy, type SessionState } from './rotation.js';

const now = 1_800_000_000_000;
const hour = 3_600_000;
const C = 120_000;
const L = 60_000;
const policy: RotationPolicy = { rotationInterval: C, leeway: L };
const strict: RotationPolicy = { rotationInterval: 0, leeway: 0 };

/** A living session at generation 7, which its client proved to hold an hour ago. */
function session(changes: Partial<SessionState> = {}): SessionState {
  return {
    generation: 7,
    acknowledgedGeneration: 7,
    acknowledgedAt: now - hour,
    expiresAt: now + hour,
    idleExpiresAt: now + hour,
    revokedAt: null,
    revokedReason: null,
    userActive: true,
    ...changes,
  };
}

/** What a row says right after generation 7 was issued: the client has proved to hold 6 and no more. */
const justRotated = { acknowledgedGeneration: 6, acknowledgedAt: now - hour };

describe('the rules of rotation, one by one', () => {
  it.each([
    ['revoked', session({ revokedAt: now - 1, revokedReason: 'logout' }), 'logout'],
    ['user_inactive', session({ userActive: false }), null],
    ['expired_absolute', session({ expiresAt: now, idleExpiresAt: now }), null],
    ['expired_idle', session({ idleExpiresAt: now }), null],
    ['unknown_session', null, null],
  ] as const)('1: a session that is over refuses its newest token and says why: %s', (because, row, revokedReason) => {
    expect(judge(row, 7, now, policy)).toEqual({ outcome: 'refused', because, revokedReason });
  });

  it('1: a session lives to the last millisecond before its end', () => {
    const row = session({ expiresAt: now + 1, idleExpiresAt: now + 1 });
    expect(judge(row, 7, now, policy).outcome).toBe('rotate');
  });

  it('1: a token that was superseded before the session ended is not reported as a theft', () => {
    expect(judge(session({ revokedAt: now, revokedReason: 'logout' }), 3, now, policy).outcome).toBe('refused');
  });

  it('2: presenting the newest token for the first time proves that it arrived, and extends the idle limit', () => {
    expect(judge(session(justRotated), 7, now, policy)).toEqual({ outcome: 'unchanged', acknowledges: true });
  });

  it('2: tabs that refresh within the interval all keep the same token', () => {
    const row = session({ acknowledgedAt: now - C + 1 });
    expect(judge(row, 7, now, policy)).toEqual({ outcome: 'unchanged', acknowledges: false });
  });

  it('3: a token is replaced as soon as it has been held for the interval', () => {
    const row = session({ acknowledgedAt: now - C });
    expect(judge(row, 7, now, policy)).toEqual({ outcome: 'rotate', generation: 8, behind: false });
  });

  it('4: a lost answer can be asked for again after any time', () => {
    const row = session({ ...justRotated, acknowledgedAt: now - 10_000 * hour });
    expect(judge(row, 6, now, policy)).toEqual({ outcome: 'resend', extendsIdle: true });
  });

  it('5: a tab that was already on its way with the previous token gets the newest one, up to the leeway', () => {
    const row = session({ acknowledgedAt: now - L });
    expect(judge(row, 6, now, policy)).toEqual({ outcome: 'resend', extendsIdle: false });
  });

  it('5: without a leeway the previous token is a theft in the very millisecond of the acknowledgement', () => {
    const row = session({ acknowledgedAt: now });
    expect(judge(row, 6, now, { rotationInterval: C, leeway: 0 })).toEqual({ outcome: 'reused' });
  });

  it('6: the previous token ends the session once the newest has been held for longer than the leeway', () => {
    expect(judge(session({ acknowledgedAt: now - L - 1 }), 6, now, policy)).toEqual({ outcome: 'reused' });
  });

  it('6: a token two generations old ends the session, even while the newest is on its way', () => {
    expect(judge(session({ ...justRotated, acknowledgedAt: now }), 5, now, policy)).toEqual({ outcome: 'reused' });
  });

  it('7: a token newer than the row is followed, not punished, and reported as a database that is behind', () => {
    expect(judge(session(), 9, now, policy)).toEqual({ outcome: 'rotate', generation: 10, behind: true });
  });

  it.each([
    ['acknowledged at no time', { acknowledgedAt: null }],
    ['acknowledged beyond its generation', { acknowledgedGeneration: 8 }],
  ])('fails closed on a row that no rule leads to: %s', (_, changes) => {
    for (const generation of [6, 7, 8]) {
      expect(judge(session(changes), generation, now, policy)).toEqual({ outcome: 'reused' });
    }
    expect(judge(session(changes), 7, now, strict)).toEqual({ outcome: 'reused' });
  });

  it('strict: each refresh rotates, whether or not the token had been proved held', () => {
    const rotated = { outcome: 'rotate', generation: 8, behind: false };
    expect(judge(session({ acknowledgedAt: now }), 7, now, strict)).toEqual(rotated);
    expect(judge(session(justRotated), 7, now, strict)).toEqual(rotated);
  });

  it('strict: a lost answer can still be asked for again, until the newest token has been seen', () => {
    expect(judge(session(justRotated), 6, now, strict)).toEqual({ outcome: 'resend', extendsIdle: true });
    expect(judge(session({ acknowledgedAt: now }), 6, now, strict)).toEqual({ outcome: 'reused' });
  });
});

/** Small bounds, so that each edge is met often; and the defaults. C ≥ 2 L, or both 0. */
const policies: fc.Arbitrary<RotationPolicy> = fc.oneof(
  fc.constantFrom(policy, strict, { rotationInterval: C, leeway: 0 }),
  fc
    .record({ leeway: fc.integer({ min: 0, max: 4 }), more: fc.integer({ min: 0, max: 3 }) })
    .map(({ leeway, more }) => ({ leeway, rotationInterval: Math.max(1, 2 * leeway + more) })),
);

/** How long ago A was recorded: mostly within a millisecond of a bound; negative when a clock ran ahead. */
function ages({ rotationInterval, leeway }: RotationPolicy): fc.Arbitrary<number> {
  const edges = [0, leeway, rotationInterval].flatMap((edge) => [edge - 1, edge, edge + 1]);
  return fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...edges) },
    { weight: 1, arbitrary: fc.integer({ min: -2 * rotationInterval - 2, max: 3 * rotationInterval + 3 }) },
    { weight: 1, arbitrary: fc.constantFrom(-hour, hour, now) },
  );
}

/** Most sessions live, or rule 1 would hide the others. */
const ends = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(hour, 1) },
  { weight: 1, arbitrary: fc.constantFrom(0, -1, -hour) },
);
const revocations = fc.oneof(
  { weight: 12, arbitrary: fc.constant({ revokedAt: null, revokedReason: null }) },
  {
    weight: 1,
    arbitrary: fc.record({
      revokedAt: fc.constantFrom(now - hour, now - 1, now, now + 1),
      revokedReason: fc.constantFrom('logout', 'credentials_changed'),
    }),
  },
);

function rows(policy: RotationPolicy): fc.Arbitrary<SessionState> {
  return fc
    .record({
      generation: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 2 ** 31 - 10 })),
      unproved: fc.constantFrom(0, 0, 0, 1, 1, 2, 3),
      age: ages(policy),
      never: fc.boolean(),
      untilEnd: ends,
      untilIdle: ends,
      revocation: revocations,
      userActive: fc.constantFrom(...Array.from({ length: 15 }, (_, index) => index > 0)),
    })
    .map(({ generation, unproved, age, never, untilEnd, untilIdle, revocation, userActive }) => {
      const atLogin = unproved > 0 && never;
      return {
        generation,
        acknowledgedGeneration: atLogin ? 0 : Math.max(0, generation - unproved),
        acknowledgedAt: atLogin || unproved >= generation ? null : now - age,
        expiresAt: now + untilEnd,
        idleExpiresAt: now + untilIdle,
        userActive,
        ...revocation,
      };
    });
}

const presentations = policies.chain((policy) =>
  fc.record({
    policy: fc.constant(policy),
    row: fc.option(rows(policy), { freq: 40 }),
    difference: fc.constantFrom(-3, -2, -1, -1, -1, -1, 0, 0, 0, 0, 1, 2, 3),
  }),
);

describe('the rules of rotation, over generated rows', () => {
  it('are decided as docs/rotation.md says, whatever the row, the moment and the policy', () => {
    const runs = 50_000;
    const met = new Map<Rule, number>();
    fc.assert(
      fc.property(presentations, ({ policy, row, difference }) => {
        const presented = (row?.generation ?? 7) + difference;
        const { rule, allows } = consult(row, presented, now, policy);
        met.set(rule, (met.get(rule) ?? 0) + 1);
        expect(allows, `rule ${rule}`).toContainEqual(judge(row, presented, now, policy));
      }),
      { numRuns: runs, includeErrorInReport: true },
    );
    for (const rule of [1, 2, 3, 4, 5, 6, 7] as const) {
      expect(met.get(rule), `rule ${rule} was hardly met`).toBeGreaterThan(runs / 50);
    }
  });
});
