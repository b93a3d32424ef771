import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectedVerdict, type Rule } from './rotation.oracle.js';
import { judge, type RotationPolicy, type SessionState } from './rotation.js';

const now = 1_800_000_000_000;
const hour = 3_600_000;
const C = 120_000;
const L = 60_000;
const policy: RotationPolicy = { rotationInterval: C, leeway: L };
const strict: RotationPolicy = { rotationInterval: 0, leeway: 0 };

/** A live session at generation 7, acknowledged an hour ago. */
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

/** A row right after generation 7 was issued: only generation 6 is acknowledged. */
const justRotated = { acknowledgedGeneration: 6, acknowledgedAt: now - hour };

describe('the rotation rules, one by one', () => {
  it.each([
    ['revoked', session({ revokedAt: now - 1, revokedReason: 'logout' }), 'logout'],
    ['user_inactive', session({ userActive: false }), null],
    ['expired_absolute', session({ expiresAt: now, idleExpiresAt: now }), null],
    ['expired_idle', session({ idleExpiresAt: now }), null],
    ['unknown_session', null, null],
  ] as const)(
    '1: a session that has ended refuses its newest token with the reason: %s',
    (because, row, revokedReason) => {
      expect(judge(row, 7, now, policy)).toEqual({ outcome: 'refused', because, revokedReason });
    },
  );

  it('1: a session is alive until the last millisecond before its limit', () => {
    const row = session({ expiresAt: now + 1, idleExpiresAt: now + 1 });
    expect(judge(row, 7, now, policy).outcome).toBe('rotate');
  });

  it('1: a superseded token of an ended session is not reported as reuse', () => {
    expect(judge(session({ revokedAt: now, revokedReason: 'logout' }), 3, now, policy).outcome).toBe('refused');
  });

  it('2: the first presentation of the newest token acknowledges it, and extends', () => {
    expect(judge(session(justRotated), 7, now, policy)).toEqual({ outcome: 'unchanged', acknowledges: true });
  });

  it('2: all tabs keep the same token within the interval', () => {
    const row = session({ acknowledgedAt: now - C + 1 });
    expect(judge(row, 7, now, policy)).toEqual({ outcome: 'unchanged', acknowledges: false });
  });

  it('3: a token is rotated once it was acknowledged for the interval', () => {
    const row = session({ acknowledgedAt: now - C });
    expect(judge(row, 7, now, policy)).toEqual({ outcome: 'rotate', generation: 8, behind: false });
  });

  it('4: a lost response is resent after any time', () => {
    const row = session({ ...justRotated, acknowledgedAt: now - 10_000 * hour });
    expect(judge(row, 6, now, policy)).toEqual({ outcome: 'resend', extendsIdle: true });
  });

  it('5: another tab with the previous token gets the newest one within the leeway', () => {
    const row = session({ acknowledgedAt: now - L });
    expect(judge(row, 6, now, policy)).toEqual({ outcome: 'resend', extendsIdle: false });
  });

  it('5: without a leeway the previous token is reuse at once', () => {
    const row = session({ acknowledgedAt: now });
    expect(judge(row, 6, now, { rotationInterval: C, leeway: 0 })).toEqual({ outcome: 'reused' });
  });

  it('6: a replay of the previous token after the leeway revokes the session', () => {
    expect(judge(session({ acknowledgedAt: now - L - 1 }), 6, now, policy)).toEqual({ outcome: 'reused' });
  });

  it('6: a replay of a token two generations old always revokes the session', () => {
    expect(judge(session({ ...justRotated, acknowledgedAt: now }), 5, now, policy)).toEqual({ outcome: 'reused' });
  });

  it('7: a token newer than the row is accepted, and reported as database_behind', () => {
    expect(judge(session(), 9, now, policy)).toEqual({ outcome: 'rotate', generation: 10, behind: true });
  });

  it.each([
    ['acknowledged without a time', { acknowledgedAt: null }],
    ['acknowledged beyond its generation', { acknowledgedGeneration: 8 }],
  ])('fails closed on an unreachable row: %s', (_, changes) => {
    for (const generation of [6, 7, 8]) {
      expect(judge(session(changes), generation, now, policy)).toEqual({ outcome: 'reused' });
    }
    expect(judge(session(changes), 7, now, strict)).toEqual({ outcome: 'reused' });
  });

  it('strict: each refresh rotates, acknowledged or not', () => {
    const rotated = { outcome: 'rotate', generation: 8, behind: false };
    expect(judge(session({ acknowledgedAt: now }), 7, now, strict)).toEqual(rotated);
    expect(judge(session(justRotated), 7, now, strict)).toEqual(rotated);
  });

  it('strict: a lost response is resent until the newest token is acknowledged', () => {
    expect(judge(session(justRotated), 6, now, strict)).toEqual({ outcome: 'resend', extendsIdle: true });
    expect(judge(session({ acknowledgedAt: now }), 6, now, strict)).toEqual({ outcome: 'reused' });
  });
});

/** The defaults, and small bounds that random values often hit. C ≥ 2 L, or both 0. */
const policies: fc.Arbitrary<RotationPolicy> = fc.oneof(
  fc.constantFrom(policy, strict, { rotationInterval: C, leeway: 0 }),
  fc
    .record({ leeway: fc.integer({ min: 0, max: 4 }), more: fc.integer({ min: 0, max: 3 }) })
    .map(({ leeway, more }) => ({ leeway, rotationInterval: Math.max(1, 2 * leeway + more) })),
);

/** The age of the acknowledgement: mostly within a millisecond of a bound; negative after a clock step back. */
function ages({ rotationInterval, leeway }: RotationPolicy): fc.Arbitrary<number> {
  const edges = [0, leeway, rotationInterval].flatMap((edge) => [edge - 1, edge, edge + 1]);
  return fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...edges) },
    { weight: 1, arbitrary: fc.integer({ min: -2 * rotationInterval - 2, max: 3 * rotationInterval + 3 }) },
    { weight: 1, arbitrary: fc.constantFrom(-hour, hour, now) },
  );
}

/** Most sessions are alive, because rule 1 would hide the others. */
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
      unacknowledged: fc.constantFrom(0, 0, 0, 1, 1, 2, 3),
      age: ages(policy),
      never: fc.boolean(),
      untilEnd: ends,
      untilIdle: ends,
      revocation: revocations,
      userActive: fc.constantFrom(...Array.from({ length: 15 }, (_, index) => index > 0)),
    })
    .map(({ generation, unacknowledged, age, never, untilEnd, untilIdle, revocation, userActive }) => {
      const atLogin = unacknowledged > 0 && never;
      return {
        generation,
        acknowledgedGeneration: atLogin ? 0 : Math.max(0, generation - unacknowledged),
        acknowledgedAt: atLogin || unacknowledged >= generation ? null : now - age,
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

describe('the rotation rules, over generated rows', () => {
  it('agree with docs/rotation.md for every row, time and policy', () => {
    const runs = 50_000;
    const covered = new Map<Rule, number>();
    fc.assert(
      fc.property(presentations, ({ policy, row, difference }) => {
        const presented = (row?.generation ?? 7) + difference;
        const { rule, allows } = expectedVerdict(row, presented, now, policy);
        covered.set(rule, (covered.get(rule) ?? 0) + 1);
        expect(allows, `rule ${rule}`).toContainEqual(judge(row, presented, now, policy));
      }),
      { numRuns: runs, includeErrorInReport: true },
    );
    for (const rule of [1, 2, 3, 4, 5, 6, 7] as const) {
      expect(covered.get(rule), `rule ${rule} was hardly covered`).toBeGreaterThan(runs / 50);
    }
  });
});
