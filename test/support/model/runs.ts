import fc from 'fast-check';
import { expect } from 'vitest';
import { Tally } from './tally.js';

const { MODEL_SEED, MODEL_PATH, MODEL_RUNS, MODEL_SHRINK, MODEL_TALLY } = process.env;

/** Without a wish of the environment each run is the same: a failure is somebody's change, never chance. */
const SEED = 20_261_122;
const times = Number(MODEL_RUNS ?? 1);
const isOrdinary = MODEL_SEED === undefined && MODEL_PATH === undefined && MODEL_RUNS === undefined;

/** Short of the tests' own limit, so that a counterexample is told however long it takes to shrink. */
const PATIENCE_MS = 60_000 * Math.max(1, times);
export const TIMEOUT_MS = PATIENCE_MS + 30_000;

/**
 * Holds a property over histories.
 *
 * @param numRuns histories in the ordinary run; MODEL_RUNS multiplies it
 * @param least how often these must have happened in an ordinary run: a test that checks nothing fails
 */
export async function expectToHold<History>(
  histories: fc.Arbitrary<History>,
  numRuns: number,
  live: (history: History, tally: Tally) => Promise<void>,
  least: Record<string, number>,
): Promise<void> {
  const tally = new Tally();
  await fc.assert(
    fc.asyncProperty(histories, (history) => live(history, tally)),
    {
      seed: Number(MODEL_SEED ?? SEED),
      numRuns: Math.ceil(numRuns * times),
      // Histories of any length up to the greatest, and not mostly short ones.
      unbiased: true,
      ...(MODEL_PATH !== undefined && { path: MODEL_PATH, endOnFailure: true }),
      ...(MODEL_SHRINK === 'no' && { endOnFailure: true }),
      interruptAfterTimeLimit: PATIENCE_MS,
      markInterruptAsFailure: true,
    },
  );
  if (MODEL_TALLY) process.stderr.write(`${expect.getState().currentTestName}: ${tally}\n`);
  if (isOrdinary) expect(tally.missing(least)).toEqual([]);
}
