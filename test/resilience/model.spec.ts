/**
 * The running service against simple models: over HTTP, on both databases, with a stopped clock. A failure prints its
 * seed and path, and the trace of the run. The first command repeats it, the second one runs longer:
 *
 *     MODEL_SEED=… MODEL_PATH=… npx vitest run --project resilience-sqlite test/resilience/model.spec.ts -t strict
 *     MODEL_SEED=$RANDOM MODEL_RUNS=20 npx vitest run --project resilience-postgres test/resilience/model.spec.ts
 *
 * MODEL_SHRINK=no stops at the first counterexample; MODEL_TALLY=1 prints the counts of events. Times, choices and
 * verdicts depend only on the seed; ids, keys and addresses are random and decide nothing.
 */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { RevokedSessions, revocations } from '../support/model/revocations.js';
import { honestHistories, liveHonestly } from '../support/model/honest-histories.js';
import { MINIMUM_COUNTS } from '../support/model/minimum-counts.js';
import { expectToHold, TIMEOUT_MS } from '../support/model/runs.js';
import { STRICT, USUAL } from '../support/model/setting.js';
import { histories } from '../support/model/steps.js';
import { StillService } from '../support/model/still-service.js';
import { compare } from '../support/model/take-step.js';
import { Theft, thefts } from '../support/model/theft.js';

describe.each([
  [
    USUAL.name,
    { setting: USUAL, minimum: MINIMUM_COUNTS.usual, runs: { compared: 36, honest: 24, thefts: 16, revocations: 5 } },
  ],
  [
    STRICT.name,
    { setting: STRICT, minimum: MINIMUM_COUNTS.strict, runs: { compared: 20, honest: 8, thefts: 12, revocations: 3 } },
  ],
])('the service %s', { timeout: TIMEOUT_MS }, (_, { setting, minimum, runs }) => {
  let service: StillService;
  beforeAll(async () => {
    service = await StillService.start(setting);
  });
  afterAll(() => service.stop());

  it('responds as docs/rotation.md says, for every generated history', () =>
    expectToHold(
      histories,
      runs.compared,
      (history, tally) => compare(service, setting, history, tally),
      minimum.compared,
    ));

  it('revokes no honest session despite losses, late messages, races and restarts', () =>
    expectToHold(
      honestHistories(setting),
      runs.honest,
      (steps, tally) => liveHonestly(service, setting, steps, tally),
      minimum.honest,
    ));

  it('detects reuse of a stolen token at the older holder’s next refresh', () =>
    expectToHold(thefts, runs.thefts, (steps, tally) => new Theft(service, setting, tally).run(steps), minimum.thefts));

  it('never accepts a token of a revoked session, also after a restart', () =>
    expectToHold(
      revocations,
      runs.revocations,
      (steps, tally) => new RevokedSessions(service, tally).run(steps),
      minimum.revocations,
    ));
});
