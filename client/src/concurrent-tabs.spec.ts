import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Delivery } from './api.js';
import { FakeBrowser, type NetworkConditions, type Tab } from './testing/fake-browser.js';

const RUNS = Number(process.env['RUNS'] ?? 50);
const REFRESHES_A_RUN = 220;

interface Setting {
  seed: number;
  delivery: Delivery;
  tabs: number;
  locks: boolean;
  channel: boolean;
  storageEvents: boolean;
  lost: number;
  ttlSeconds: number;
  /** Mean time between the calls of a tab. */
  gapSeconds: number;
  slowStore: boolean;
}

const settings = fc.record<Setting>({
  seed: fc.integer(),
  delivery: fc.constantFrom('body', 'cookie'),
  tabs: fc.integer({ min: 1, max: 6 }),
  locks: fc.boolean(),
  channel: fc.boolean(),
  storageEvents: fc.boolean(),
  lost: fc.double({ min: 0, max: 0.3, noNaN: true }),
  ttlSeconds: fc.constantFrom(60, 300, 900),
  gapSeconds: fc.constantFrom(30, 200, 3000),
  slowStore: fc.boolean(),
});

describe('a legitimate browser', () => {
  it('is never signed out, in 10,000 refreshes with races, losses and crashes', async () => {
    let refreshes = 0;
    let rotations = 0;
    await fc.assert(
      fc.asyncProperty(settings, async (setting) => {
        const { server, tabs, sessionId } = await simulate(setting);
        refreshes += server.count('POST /auth/refresh');
        rotations += server.generationOf(sessionId) - 1;
        expect(server.terminal).toBe(0);
        expect(tabs.flatMap(({ changes }) => changes).filter(({ session }) => session?.id !== sessionId)).toEqual([]);
        expect(Math.max(...tabs.map(({ mostInFlight }) => mostInFlight))).toBe(1);
      }),
      { numRuns: RUNS },
    );
    expect(refreshes).toBeGreaterThan(10_000);
    expect(rotations).toBeGreaterThan(1_000);
  }, 300_000);
});

/** Simulates a user with several tabs until there were enough refreshes. */
async function simulate(setting: Setting) {
  const random = randomFrom(setting.seed);
  const browser = new FakeBrowser({ ...setting, random, channelDelay: () => random() ** 4 * 5_000 });
  const { world, server } = browser;
  server.accessTtlSeconds = setting.ttlSeconds;
  const tabs = Array.from({ length: setting.tabs }, () => browser.openTab());
  const { id: sessionId } = await world.until(tabs[0]!.client.login({ email: 'grace', password: 'good' }));
  for (const tab of tabs) tab.onStorage();

  browser.network = () => networkBy(random, setting.lost);
  if (setting.slowStore) browser.storeDelay = () => random() ** 4 * 200;
  let alive = [...tabs];
  const use = (tab: Tab) => {
    world.after(-Math.log(1 - random()) * setting.gapSeconds * 1000, () => {
      if (!alive.includes(tab)) return;
      void tab.client.fetch('/me').catch(() => undefined);
      use(tab);
    });
  };
  alive.forEach(use);

  while (server.count('POST /auth/refresh') < REFRESHES_A_RUN) {
    await world.pass(60_000);
    if (server.terminal > 0 || tabs.some(({ changes }) => changes.some(({ session }) => !session))) break;
    const dice = random();
    if (dice < 0.01) browser.sleep(random() * 8 * 3_600_000);
    else if (dice < 0.03) {
      const crashed = alive[Math.floor(random() * alive.length)]!;
      crashed.kill();
      const opened = browser.openTab();
      alive = alive.filter((tab) => tab !== crashed).concat(opened);
      tabs.push(opened);
      use(opened);
    } else if (dice < 0.1) alive[0]!.onResume();
  }
  return { server, tabs, sessionId };
}

/** Within the bounds of the rotation rules: a request takes less than 60 s, with its response less than 120 s. */
function networkBy(random: () => number, lost: number): NetworkConditions {
  const conditions = { there: random() ** 6 * 59_000, back: random() ** 6 * 59_000 };
  if (random() >= lost) return conditions;
  const dice = random();
  if (dice < 0.3) return { ...conditions, refused: true };
  return { ...conditions, lost: dice < 0.5 ? 'request' : 'response' };
}

/** mulberry32: the same seed gives the same run. */
function randomFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
