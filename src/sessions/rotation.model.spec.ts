/**
 * Explores all histories of a small model: one browser with several tabs, or a victim and a thief, in any order, with late
 * or lost responses. The bounds for an honest browser are those of `docs/rotation.md`: a request arrives within L, a round
 * trip takes less than C.
 */
import { describe, expect, it } from 'vitest';
import { judge, type RotationPolicy, type Verdict } from './rotation.js';

/** The state of a live session. An age, in ticks, stops growing where it no longer changes the outcome. */
interface Row {
  generation: number;
  acknowledged: number;
  acknowledgedAge: number | null;
}

const atLogin: Row = { generation: 1, acknowledged: 0, acknowledgedAge: null };

function present(row: Row, generation: number, policy: RotationPolicy): Verdict {
  const now = 1_000;
  const session = {
    generation: row.generation,
    acknowledgedGeneration: row.acknowledged,
    acknowledgedAt: row.acknowledgedAge === null ? null : now - row.acknowledgedAge,
    expiresAt: Infinity,
    idleExpiresAt: Infinity,
    revokedAt: null,
    revokedReason: null,
    userActive: true,
  };
  return judge(session, generation, now, policy);
}

/** The row after a verdict. */
function record(row: Row, generation: number, verdict: Verdict): Row {
  if (verdict.outcome === 'unchanged') return verdict.acknowledges ? acknowledge(row, generation) : row;
  if (verdict.outcome === 'rotate') return { ...acknowledge(row, generation), generation: verdict.generation };
  return row;
}

function acknowledge(row: Row, generation: number): Row {
  if (generation <= row.acknowledged || generation > row.generation) return row;
  return { ...row, acknowledged: generation, acknowledgedAge: 0 };
}

function aTickLater(row: Row, { rotationInterval, leeway }: RotationPolicy): Row {
  if (row.acknowledgedAge === null) return row;
  const oldest = Math.max(rotationInterval, leeway + 1);
  return { ...row, acknowledgedAge: Math.min(row.acknowledgedAge + 1, oldest) };
}

type Step<World> = [what: string, next: World | 'violation'];

/** Visits every reachable state, breadth first, so that the trace of a violation is as short as possible. */
function explore<World>(start: World, stepsFrom: (world: World) => Step<World>[], keyOf: (world: World) => string) {
  const seen = new Set([keyOf(start)]);
  const queue = [{ world: start, what: 'login', from: -1 }];
  for (let index = 0; index < queue.length; index += 1) {
    for (const [what, next] of stepsFrom(queue[index]!.world)) {
      if (next === 'violation') {
        const trace = [what];
        for (let at = index; at >= 0; at = queue[at]!.from) trace.unshift(queue[at]!.what);
        return { states: seen.size, trace };
      }
      const key = keyOf(next);
      if (seen.has(key)) continue;
      seen.add(key);
      queue.push({ world: next, what, from: index });
    }
  }
  return { states: seen.size, trace: null };
}

/** `token`: a response with both tokens. `access`: the response of rule 2, with an access token alone. */
interface Message {
  kind: 'request' | 'token' | 'access';
  generation: number;
  /** Ticks since the request was sent, also for its response. */
  age: number;
}

/** A browser: one cookie jar for all its tabs, and the messages in flight. */
interface Browser {
  row: Row;
  refreshToken: number;
  accessToken: number;
  /**
   * The newest generation that the API has seen but not written. It may wait for any time, so a slow API call needs no
   * message of its own.
   */
  queued: number;
  messages: Message[];
}

/** The maximum ages at which a request arrives and a response is stored. */
interface Travel {
  request: number;
  roundTrip: number;
  /** Sets an unchanged token again, which rule 2 forbids. */
  cookieWhenUnchanged?: boolean;
}

const maxInFlight = 5;

function browserSteps(browser: Browser, policy: RotationPolicy, travel: Travel): Step<Browser>[] {
  const { row, refreshToken, accessToken, queued, messages } = browser;
  const steps: Step<Browser>[] = [];
  if (messages.length < maxInFlight) {
    const request: Message = { kind: 'request', generation: refreshToken, age: 0 };
    steps.push([`a tab sends ${refreshToken}`, { ...browser, messages: [...messages, request] }]);
  }
  if (accessToken > Math.max(row.acknowledged, queued)) {
    steps.push([`a tab uses access token ${accessToken}`, { ...browser, queued: accessToken }]);
  }
  if (queued > row.acknowledged) {
    steps.push([`the queue acknowledges ${queued}`, { ...browser, row: acknowledge(row, queued) }]);
    steps.push(['the queue is lost', { ...browser, queued: 0 }]);
  }
  messages.forEach((message, index) => {
    const without = { ...browser, messages: messages.toSpliced(index, 1) };
    const what = `${message.kind} ${message.generation}, sent ${message.age} ago,`;
    steps.push([`${what} is lost`, without]);
    steps.push(message.kind === 'request' ? arrive(without, message, what) : store(without, message, what));
  });
  const travelling = messages
    .map((message) => ({ ...message, age: message.age + 1 }))
    .filter(({ kind, age }) => age <= (kind === 'request' ? travel.request : travel.roundTrip));
  steps.push(['a tick', { ...browser, row: aTickLater(row, policy), messages: travelling }]);
  return steps;

  function arrive(rest: Browser, { generation, age }: Message, what: string): Step<Browser> {
    const verdict = present(row, generation, policy);
    const judged = `${what} is judged ${verdict.outcome}`;
    if (verdict.outcome === 'reused' || verdict.outcome === 'refused') return [judged, 'violation'];
    const after = record(row, generation, verdict);
    const kind = verdict.outcome === 'unchanged' && !travel.cookieWhenUnchanged ? 'access' : 'token';
    return [judged, { ...rest, row: after, messages: [...rest.messages, { kind, generation: after.generation, age }] }];
  }

  function store(rest: Browser, { kind, generation }: Message, what: string): Step<Browser> {
    const stored = kind === 'token' ? generation : refreshToken;
    return [`${what} is stored`, { ...rest, refreshToken: stored, accessToken: generation }];
  }
}

/** States are equal when they differ only in the order of messages, or by an offset of all generations. */
function browserKey({ row, refreshToken, accessToken, queued, messages }: Browser): string {
  const behind = (generation: number): number => row.generation - generation;
  const kinds = { request: 0, token: 1, access: 2 };
  return String.fromCharCode(
    behind(row.acknowledged),
    row.acknowledgedAge === null ? 0 : row.acknowledgedAge + 1,
    behind(refreshToken),
    behind(accessToken),
    queued > row.acknowledged ? behind(queued) + 1 : 0,
    ...messages
      .map(({ kind, generation, age }) => (behind(generation) * 3 + kinds[kind]) * 64 + age)
      .sort((one, other) => one - other),
  );
}

function exploreBrowser(policy: RotationPolicy, travel: Partial<Travel> = {}) {
  const bounds = { request: policy.leeway, roundTrip: policy.rotationInterval - 1, ...travel };
  const start: Browser = { row: atLogin, refreshToken: 1, accessToken: 1, queued: 0, messages: [] };
  return explore(start, (browser) => browserSteps(browser, policy, bounds), browserKey);
}

describe('an honest browser with up to five messages in flight', { timeout: 120_000 }, () => {
  it.each([
    { leeway: 1, rotationInterval: 2, atLeast: 4_000 },
    { leeway: 2, rotationInterval: 4, atLeast: 50_000 },
    { leeway: 2, rotationInterval: 5, atLeast: 90_000 },
    { leeway: 3, rotationInterval: 6, atLeast: 250_000 },
  ])('is never refused in any history: L = $leeway, C = $rotationInterval', ({ atLeast, ...policy }) => {
    const { states, trace } = exploreBrowser(policy);
    expect(trace).toBeNull();
    expect(states).toBeGreaterThan(atLeast);
  });

  const policy = { leeway: 2, rotationInterval: 4 };

  it.each<[string, Partial<Travel>]>([
    ['a request may arrive a tick after L', { request: 3 }],
    ['a round trip may take C', { roundTrip: 4 }],
    ['an unchanged token is set again', { cookieWhenUnchanged: true }],
  ])('would be refused if %s', (_, travel) => {
    const { states, trace } = exploreBrowser(policy, travel);
    expect(trace?.at(-1)).toMatch(/^request \d+, sent \d ago, is judged reused$/);
    expect(states).toBeGreaterThan(10_000);
  });
});

type Role = 'victim' | 'thief';
type Tokens = Pick<Browser, 'refreshToken' | 'accessToken'>;

/** Two holders of copies of one cookie jar. Messages take no time; responses can be lost. */
interface Theft extends Record<Role, Tokens> {
  row: Row;
}

/** The older holder, when the two differ and the newer generation was acknowledged more than `after` ago. */
function olderHolder({ row, victim, thief }: Theft, after: number): Role | null {
  const newer = Math.max(victim.refreshToken, thief.refreshToken);
  const isDue = row.acknowledged >= newer && row.acknowledgedAge !== null && row.acknowledgedAge > after;
  if (!isDue || victim.refreshToken === thief.refreshToken) return null;
  return victim.refreshToken < newer ? 'victim' : 'thief';
}

function theftSteps(theft: Theft, policy: RotationPolicy): Step<Theft>[] {
  const { row } = theft;
  const steps: Step<Theft>[] = [
    ['a tick', { ...theft, row: aTickLater(row, policy) }],
    ['the thief copies the jar', { ...theft, thief: theft.victim }],
  ];
  for (const role of ['victim', 'thief'] as const) {
    const { refreshToken, accessToken } = theft[role];
    steps.push([`the ${role} uses access token ${accessToken}`, { ...theft, row: acknowledge(row, accessToken) }]);
    const verdict = present(row, refreshToken, policy);
    if (verdict.outcome === 'reused') continue; // the session ends, and with it this history
    const after = record(row, refreshToken, verdict);
    const tokens = { refreshToken: after.generation, accessToken: after.generation };
    const what = `the ${role} sends ${refreshToken}, judged ${verdict.outcome}`;
    steps.push([what, { ...theft, row: after, [role]: tokens }]);
    steps.push([`${what}, and the response is lost`, { ...theft, row: after }]);
  }
  return steps;
}

function exploreTheft(policy: RotationPolicy, after: number) {
  const tokens = { refreshToken: 1, accessToken: 1 };
  const detected = { victim: 0, thief: 0 };
  const stepsFrom = (theft: Theft): Step<Theft>[] => {
    const older = olderHolder(theft, after);
    if (!older) return theftSteps(theft, policy);
    detected[older] += 1;
    const { outcome } = present(theft.row, theft[older].refreshToken, policy);
    return outcome === 'reused'
      ? theftSteps(theft, policy)
      : [[`the older ${older} is judged ${outcome}`, 'violation']];
  };
  // All generations two or more behind are equivalent, because the newest token is held or lost.
  const keyOf = ({ row, victim, thief }: Theft): string => {
    const held = [victim.refreshToken, victim.accessToken, thief.refreshToken, thief.accessToken];
    const behind = [row.acknowledged, ...held].map((generation) => Math.min(2, row.generation - generation));
    return [...behind, row.acknowledgedAge].join();
  };
  return { ...explore({ row: atLogin, victim: tokens, thief: tokens }, stepsFrom, keyOf), detected };
}

describe('a thief and a victim with copies of one token', () => {
  it.each([
    { leeway: 2, rotationInterval: 4 },
    { leeway: 2, rotationInterval: 7 },
    { leeway: 0, rotationInterval: 4 },
    { leeway: 0, rotationInterval: 0 },
  ])('are detected L = $leeway after the acknowledgement (C = $rotationInterval)', (policy) => {
    const { states, trace, detected } = exploreTheft(policy, policy.leeway);
    expect(trace).toBeNull();
    expect(detected.victim).toBeGreaterThan(0);
    expect(detected.thief).toBeGreaterThan(0);
    expect(states).toBeGreaterThan(30);
  });

  it('cannot be distinguished from two tabs before that', () => {
    const { trace } = exploreTheft({ leeway: 2, rotationInterval: 4 }, 1);
    expect(trace?.at(-1)).toMatch(/^the older (victim|thief) is judged resend$/);
  });
});
