import fc from 'fast-check';

/** One step of a history. Numbers pick from the sessions, tokens and messages that exist when the step is taken. */
export type Step =
  | { do: 'refresh'; who: number; response: 'stored' | 'lost' }
  | { do: 'send'; who: number }
  | { do: 'arrive' | 'deliver' | 'lose'; message: number }
  | { do: 'use' | 'present the one before'; who: number }
  | { do: 'use an old one' | 'present an old one'; age: number }
  | { do: 'flush' | 'forget' | 'kill' | 'shut down' }
  | { do: 'wait'; ms: number }
  | { do: 'wait until'; edge: Edge; session: number; plus: number; asks: boolean }
  | { do: 'steal'; from: number }
  | { do: 'log out'; who: number; with: 'access' | 'refresh' | 'both' | 'an old one' }
  | { do: 'revoke'; who: number; what: 'one' | 'others' | 'all'; session: number }
  | { do: 'change password'; who: number; right: boolean }
  | { do: 'sign in'; user: number; right: boolean }
  | { do: 'send together'; tokens: number[]; logout: boolean }
  | { do: 'fail over'; session: number; back: number };

/** A time at which the outcome of the rules changes. */
export type Edge = 'L' | 'C' | 'idle' | 'absolute' | 'access';

const who = fc.nat({ max: 5 });
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const shortly = fc.constantFrom(
  0,
  1,
  999,
  5 * SECOND,
  30 * SECOND,
  MINUTE,
  MINUTE,
  2 * MINUTE,
  2 * MINUTE,
  10 * MINUTE,
);
const long = fc.constantFrom(HOUR, 12 * HOUR, 2 * DAY);
/** A clock step back, up to the limit beyond which a process is not ready. */
const back = fc.integer({ min: -5 * SECOND, max: -1 });

const lossy = fc.constantFrom('stored', 'stored', 'stored', 'lost');
const seldom = (times: number) => fc.nat({ max: times }).map((n) => n === 0);
const tokens = fc.array(fc.nat({ max: 7 }), { minLength: 2, maxLength: 3 });

const weighted: [weight: number, shape: fc.Arbitrary<object>][] = [
  [60, fc.record({ do: fc.constant('refresh'), who, response: lossy })],
  [20, fc.record({ do: fc.constant('send'), who })],
  [30, fc.record({ do: fc.constantFrom('arrive', 'arrive', 'deliver', 'lose'), message: who })],
  [50, fc.record({ do: fc.constant('use'), who })],
  [20, fc.record({ do: fc.constant('present the one before'), who })],
  [4, fc.record({ do: fc.constantFrom('use an old one', 'present an old one'), age: fc.nat({ max: 20 }) })],
  [40, fc.record({ do: fc.constant('flush') })],
  [6, fc.record({ do: fc.constant('forget') })],
  [20, fc.record({ do: fc.constant('wait'), ms: shortly })],
  [2, fc.record({ do: fc.constant('wait'), ms: long })],
  [4, fc.record({ do: fc.constant('wait'), ms: back })],
  [50, until('L', 'C', 'C')],
  [4, until('access')],
  [3, until('idle', 'idle', 'absolute')],
  [8, fc.record({ do: fc.constant('steal'), from: who })],
  [2, fc.record({ do: fc.constant('log out'), who, with: fc.constantFrom('access', 'refresh', 'both', 'an old one') })],
  [2, fc.record({ do: fc.constant('revoke'), who, what: fc.constantFrom('one', 'others', 'all'), session: who })],
  [2, fc.record({ do: fc.constant('change password'), who, right: fc.boolean() })],
  [8, fc.record({ do: fc.constant('sign in'), user: who, right: seldom(3).map((no) => !no) })],
  [10, fc.record({ do: fc.constant('send together'), tokens, logout: seldom(15) })],
  [10, fc.record({ do: fc.constant('fail over'), session: who, back: fc.nat({ max: 4 }) })],
  // Rare, because a restart is slow.
  [1, fc.record({ do: fc.constantFrom('kill', 'shut down') })],
];

const step = fc.oneof(...weighted.map(([weight, arbitrary]) => ({ weight, arbitrary }))) as fc.Arbitrary<Step>;

function until(...edges: Edge[]): fc.Arbitrary<object> {
  const plus = fc.constantFrom(-1, 0, 0, 1);
  return fc.record({
    do: fc.constant('wait until'),
    edge: fc.constantFrom(...edges),
    session: who,
    plus,
    asks: fc.boolean(),
  });
}

export interface History {
  millisecond: number;
  steps: Step[];
}

/** Histories of the service, each from a random millisecond within a second. */
export const histories: fc.Arbitrary<History> = fc.record({
  millisecond: fc.nat({ max: 999 }),
  steps: fc.array(step, { maxLength: 160, size: 'max' }),
});
