import fc from 'fast-check';
import { HonestBrowser } from './honest-browser.js';
import { isStrict, type Setting } from './setting.js';
import type { StillService } from './still-service.js';
import { Trace } from './trace.js';
import type { Tally } from './tally.js';

type HonestStep =
  | { do: 'send' | 'use' | 'log out'; who: number }
  | { do: 'arrive' | 'store' | 'lose'; who: number; message: number }
  | { do: 'refresh'; who: number; isStored: boolean }
  | { do: 'flush' | 'forget' | 'kill' | 'shut down' }
  | { do: 'wait'; ms: number }
  | { do: 'wait until'; since: 'sent' | 'flushed'; edge: 'L' | 'C'; who: number; plus: number };

const who = fc.nat({ max: 1 });
const message = fc.nat({ max: 4 });
const MINUTE = 60_000;
const ms = fc.constantFrom(
  1,
  999,
  10_000,
  30_000,
  MINUTE - 1,
  MINUTE,
  MINUTE + 1,
  2 * MINUTE - 1,
  2 * MINUTE,
  10 * MINUTE,
);
const long = fc.constantFrom(3_600_000, 86_400_000, 6 * 86_400_000);
const edges = {
  since: fc.constantFrom('sent', 'flushed'),
  edge: fc.constantFrom('L', 'C'),
  who,
  plus: fc.constantFrom(-1, 0, 1),
};

/** Left out in strict mode, where both bounds are 0: racing tabs and late messages would exceed them. */
const racing: [number, fc.Arbitrary<object>][] = [
  [12, fc.record({ do: fc.constant('send'), who })],
  [24, fc.record({ do: fc.constantFrom('arrive', 'arrive', 'store', 'lose'), who, message })],
];
const common: [number, fc.Arbitrary<object>][] = [
  [12, fc.record({ do: fc.constant('refresh'), who, isStored: fc.nat({ max: 3 }).map((n) => n > 0) })],
  [12, fc.record({ do: fc.constant('use'), who })],
  [12, fc.record({ do: fc.constant('flush') })],
  [2, fc.record({ do: fc.constant('forget') })],
  [8, fc.record({ do: fc.constant('wait'), ms })],
  [1, fc.record({ do: fc.constant('wait'), ms: long })],
  [16, fc.record({ do: fc.constant('wait until'), ...edges })],
];
const seldom: [number, fc.Arbitrary<object>][] = [
  [2, fc.record({ do: fc.constant('log out'), who })],
  [1, fc.record({ do: fc.constantFrom('kill', 'shut down') })],
];

/** Histories of two honest browsers. */
export function honestHistories({ policy }: Setting): fc.Arbitrary<HonestStep[]> {
  const often = (isStrict(policy) ? common : [...racing, ...common]).map(
    ([weight, shape]) => [weight * 8, shape] as const,
  );
  const step = fc.oneof(...[...often, ...seldom].map(([weight, arbitrary]) => ({ weight, arbitrary })));
  return fc.array(step as fc.Arbitrary<HonestStep>, { maxLength: 240, size: 'max' });
}

/** Runs a history. Throws, with the trace, when an honest session is revoked or expires without a reason. */
export async function liveHonestly(service: StillService, setting: Setting, steps: HonestStep[], tally: Tally) {
  service.beginDay(0);
  const trace = new Trace(() => service.now);
  const browsers = [1, 2].map(() => new HonestBrowser(service, setting, trace, tally));
  for (const browser of browsers) await browser.open();
  let flushedAt = service.now;

  for (const step of steps) {
    if ('who' in step && step.do !== 'wait until') await act(browsers[step.who]!, step);
    else if (step.do === 'wait' || step.do === 'wait until') {
      const since = step.do === 'wait' || step.since === 'flushed' ? flushedAt : browsers[step.who]!.oldestSentAt;
      const until = step.do === 'wait' ? service.now + step.ms : (since ?? 0) + setting.policy[step.edge] + step.plus;
      if (until <= service.now) continue;
      service.move(until - service.now);
      browsers.forEach((browser) => browser.giveUpLate());
    } else {
      tally.add(step.do);
      trace.add(step.do);
      if (step.do === 'flush' || step.do === 'shut down') flushedAt = service.now;
      await applyEvent(service, step.do);
    }
  }
}

async function act(browser: HonestBrowser, step: Exclude<Extract<HonestStep, { who: number }>, { do: 'wait until' }>) {
  switch (step.do) {
    case 'send':
      return browser.send();
    case 'use':
      return browser.use();
    case 'log out':
      return browser.logOut();
    case 'arrive':
      return browser.arrive(step.message);
    case 'store':
      return browser.store(step.message);
    case 'lose':
      return browser.lose(step.message);
    case 'refresh':
      return browser.refresh(step.isStored);
  }
}

/** Lets the service write its buffer, lose it, or restart after a kill or a shutdown. */
export async function applyEvent(
  service: StillService,
  what: 'flush' | 'forget' | 'kill' | 'shut down',
): Promise<void> {
  if (what === 'flush') return service.flush();
  if (what !== 'shut down') service.loseBuffers();
  if (what !== 'forget') await service.restart();
}
