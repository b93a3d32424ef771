import { expect } from 'vitest';
import { performing, expectDone, type Operation } from './operations.js';
import type { Http } from '../http/http.js';
import { PASSWORD } from '../app/users.js';
import { expectAllSignedIn, expectNobodyRefused, refreshing, Storm, type Outcome, type Turn } from './storm.js';
import { revokedSessions, expectInvariants } from './invariants.js';

/** Every refresh writes, so that it fails when the database cannot write; the session cap revokes nothing. */
export const STORMY = { REFRESH_ROTATION_INTERVAL: '0s', REFRESH_LEEWAY: '0s', MAX_SESSIONS_PER_USER: '10000' };

/** A request that takes longer hangs. */
const HANG_MS = 15_000;
const CLIENTS = 32;

export const signingIn: Turn = (client) =>
  client.ask('POST', '/auth/login', { json: { email: client.email, password: PASSWORD } });
export const using: Turn = (client) => client.use();
const reading: Turn = (client) => client.use('/users/me');

export interface Fault {
  begin: () => unknown;
  /** Resolves when the fault has had its effect. */
  last: (storm: Storm) => Promise<unknown>;
  end: () => unknown;
  /** Whether it also cuts off notifications of revocations: then guarded requests need the database. */
  cutsNotifications?: boolean;
}

/** Sends all kinds of requests before, during and after a fault of the database; no user is signed out by it. */
export async function expectFaultTolerance(http: Http, databaseUrl: string, fault: Fault): Promise<Outcome[]> {
  const operations: Operation[] = [];
  const storm = new Storm(() => http.url);
  await storm.join(http, CLIENTS);
  const turns = [refreshing, refreshing, signingIn, using, reading, refreshing, refreshing, performing(operations)];
  storm.begin((place) => turns[place % turns.length]!);
  await expectEverybodyServed(storm);
  await fault.begin();
  const begunAt = performance.now();
  const unawareSince = () =>
    storm.outcomes.filter(({ route, receivedAt }) => route === 'GET /auth/whoami' && receivedAt > begunAt);
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
  expect(Math.max(...storm.outcomes.map(({ ms }) => ms))).toBeLessThan(HANG_MS);
  const meanwhile = storm.outcomes.filter(({ receivedAt }) => receivedAt > begunAt && receivedAt < endedAt);
  const guarded = new Set(unawareSince().map(({ status }) => status));
  expect([...guarded].filter((status) => status !== 200)).toEqual(
    fault.cutsNotifications && guarded.has(503) ? [503] : [],
  );
  await expectInvariants(databaseUrl);
  await expectAllSignedIn(storm);
  const revoked = await revokedSessions(databaseUrl);
  expect(storm.clients.filter(({ stored }) => revoked.includes(stored.session_id))).toEqual([]);
  // All unconfirmed operations, and confirmed ones up to 40 in total.
  const unconfirmed = operations.filter(({ confirmed }) => !confirmed);
  await expectDone([...unconfirmed, ...operations.filter(({ confirmed }) => confirmed)].slice(0, 40), http);
  storm.hangUp();
  return meanwhile;
}

/** Waits until every client has had a success from now on. */
async function expectEverybodyServed({ clients }: Storm): Promise<void> {
  const since = performance.now();
  const waiting = () => clients.filter(({ succeededAt }) => succeededAt < since).length;
  await expect.poll(waiting, { timeout: 2 * HANG_MS }).toBe(0);
}

/** Waits until so many refreshes and sign-ins got 503. */
export async function untilRefused(storm: Storm, wanted: number = 5): Promise<void> {
  for (const route of ['POST /auth/refresh', 'POST /auth/login']) {
    const refused = () =>
      storm.outcomes.filter((outcomes) => outcomes.route === route && outcomes.status === 503).length;
    await expect.poll(refused, { timeout: HANG_MS }).toBeGreaterThanOrEqual(wanted);
  }
}
