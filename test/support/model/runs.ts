import fc from 'fast-check';
import { expect } from 'vitest';
import { Tally } from './tally.js';

const { MODEL_SEED, MODEL_PATH, MODEL_RUNS, MODEL_SHRINK, MODEL_TALLY } = process.env;

/** The default seed makes every run the same: a failure comes from a change, not from chance. */
const SEED = 20_261_122;
const times = Number(MODEL_RUNS ?? 1);
const isOrdinary = MODEL_SEED === undefined && MODEL_PATH === undefined && MODEL_RUNS === undefined;

/** Below the time-out of the test, so that it prints a counterexample before it has shrunk it completely. */
const TIME_LIMIT_MS = 60_000 * Math.max(1, times);
export const TIMEOUT_MS = TIME_LIMIT_MS + 30_000;

/**
 * Checks a property over generated histories.
 *
 * @param numRuns histories in the ordinary run; MODEL_RUNS multiplies it
 * @param minimum the minimum count of each event in an ordinary run: a test that checks too little fails
 */
export async function expectToHold<History>(
  histories: fc.Arbitrary<History>,
  numRuns: number,
  run: (history: History, tally: Tally) => Promise<void>,
  minimum: Record<string, number>,
): Promise<void> {
  const tally = new Tally();
  await fc.assert(
    fc.asyncProperty(histories, (history) => run(history, tally)),
    {
      seed: Number(MODEL_SEED ?? SEED),
      numRuns: Math.ceil(numRuns * times),
      // All lengths up to the maximum, not mostly short histories.
      unbiased: true,
      ...(MODEL_PATH !== undefined && { path: MODEL_PATH, endOnFailure: true }),
      ...(MODEL_SHRINK === 'no' && { endOnFailure: true }),
      interruptAfterTimeLimit: TIME_LIMIT_MS,
      markInterruptAsFailure: true,
    },
  );
  if (MODEL_TALLY) process.stderr.write(`${expect.getState().currentTestName}: ${tally}\n`);
  if (isOrdinary) expect(tally.missing(minimum)).toEqual([]);
}
