import { expect } from 'vitest';
import { doing, expectDone, type Deed } from './operations.js';
import type { Http } from '../http.js';
import { PASSWORD } from '../people.js';
import { expectAllSignedIn, expectNobodyRefused, refreshing, Storm, type Heard, type Turn } from './storm.js';
import { endedSessions, expectNothingHalf } from './invariants.js';

/** Each refresh writes, so that a database that cannot is noticed; nobody's session makes room for another. */
export const STORMY = { REFRESH_ROTATION_INTERVAL: '0s', REFRESH_LEEWAY: '0s', MAX_SESSIONS_PER_USER: '10000' };

/** No statement about speed: whoever waits longer than this waits for ever. */
const HANG_MS = 15_000;
const CLIENTS = 32;

export const signingIn: Turn = (client) =>
  client.ask('POST', '/auth/login', { json: { email: client.email, password: PASSWORD } });
export const using: Turn = (client) => client.use();
const reading: Turn = (client) => client.use('/users/me');

export interface Fault {
  begin: () => unknown;
  /** As long as it takes to do harm. */
  last: (storm: Storm) => Promise<unknown>;
  end: () => unknown;
  /** Whether it also cuts off what is heard of endings: then guarded requests need the database. */
  deafens?: boolean;
}

/** Refreshes, sign-ins, guarded requests and changes without pause, before, during and after a fault of the database. */
export async function expectNobodyHurt(http: Http, databaseUrl: string, fault: Fault): Promise<Heard[]> {
  const deeds: Deed[] = [];
  const storm = new Storm(() => http.url);
  await storm.join(http, CLIENTS);
  const turns = [refreshing, refreshing, signingIn, using, reading, refreshing, refreshing, doing(deeds)];
  storm.begin((place) => turns[place % turns.length]!);
  await expectEverybodyServed(storm);
  await fault.begin();
  const begunAt = performance.now();
  const unawareSince = () =>
    storm.heard.filter(({ route, answeredAt }) => route === 'GET /auth/whoami' && answeredAt > begunAt);
  try {
    await fault.last(storm);
    await expect.poll(() => unawareSince().length, { timeout: HANG_MS }).toBeGreaterThan(0);
  } finally {
    await fault.end();
  }
  const endedAt = performance.now();
  await expectEverybodyServed(storm);
  await storm.end();

  expectNobodyRefused(storm, ['database_unavailable', 'refresh_busy', 'hashing_busy']);
  expect(Math.max(...storm.heard.map(({ ms }) => ms))).toBeLessThan(HANG_MS);
  const meanwhile = storm.heard.filter(({ answeredAt }) => answeredAt > begunAt && answeredAt < endedAt);
  const guarded = new Set(unawareSince().map(({ status }) => status));
  expect([...guarded].filter((status) => status !== 200)).toEqual(fault.deafens && guarded.has(503) ? [503] : []);
  await expectNothingHalf(databaseUrl);
  await expectAllSignedIn(storm);
  const ended = await endedSessions(databaseUrl);
  expect(storm.clients.filter(({ stored }) => ended.includes(stored.session_id))).toEqual([]);
  // Those that were not answered, and as many of the others.
  const unanswered = deeds.filter(({ answered }) => !answered);
  await expectDone([...unanswered, ...deeds.filter(({ answered }) => answered)].slice(0, 40), http);
  storm.hangUp();
  return meanwhile;
}

/** From now on each client has had a success: it goes on by itself. */
async function expectEverybodyServed({ clients }: Storm): Promise<void> {
  const since = performance.now();
  const waiting = () => clients.filter(({ succeededAt }) => succeededAt < since).length;
  await expect.poll(waiting, { timeout: 2 * HANG_MS }).toBe(0);
}

/** Until so many refreshes and sign-ins were refused for now. */
export async function untilRefused(storm: Storm, wanted: number = 5): Promise<void> {
  for (const route of ['POST /auth/refresh', 'POST /auth/login']) {
    const refused = () => storm.heard.filter((heard) => heard.route === route && heard.status === 503).length;
    await expect.poll(refused, { timeout: HANG_MS }).toBeGreaterThanOrEqual(wanted);
  }
}
