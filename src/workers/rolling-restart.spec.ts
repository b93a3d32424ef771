import { describe, expect, it } from 'vitest';
import type { Replacement } from './crew.js';
import { RollingRestart } from './rolling-restart.js';

/** Replaces workers when it is told to. */
function crewOf(numbers: number[]) {
  const asked: number[] = [];
  const lines: string[] = [];
  let settle: (replacement: Replacement) => void = () => {};
  const crew = {
    numbers,
    replace: (number: number) => {
      asked.push(number);
      return new Promise<Replacement>((resolve) => (settle = resolve));
    },
  };
  const note = (line: unknown) => void lines.push(String(line));
  const restart = new RollingRestart(crew, { info: note, error: note });
  const finish = async (replacement: Replacement) => {
    settle(replacement);
    await new Promise(setImmediate);
  };
  return { asked, lines, restart, finish };
}

describe('a rolling restart', () => {
  it('replaces one worker after the other', async () => {
    const { asked, lines, restart, finish } = crewOf([1, 2]);
    void restart.request();
    expect(asked).toEqual([1]);
    await finish('replaced');
    expect(asked).toEqual([1, 2]);
    await finish('replaced');
    expect(lines.at(-1)).toContain('all workers are replaced');
  });

  it('ends at a worker that cannot be replaced', async () => {
    const { asked, lines, restart, finish } = crewOf([1, 2]);
    void restart.request();
    await finish('failed');
    expect(asked).toEqual([1]);
    expect(lines.at(-1)).toContain('a new worker 1 could not start');
  });

  it('ends without an error when all workers stop', async () => {
    const { asked, lines, restart, finish } = crewOf([1, 2]);
    void restart.request();
    await finish('stopping');
    expect([asked.length, lines.length]).toEqual([1, 1]);
  });

  it('runs once more, however often it is asked for meanwhile', async () => {
    const { asked, restart, finish } = crewOf([1, 2]);
    const done = restart.request();
    void restart.request();
    void restart.request();
    for (let i = 0; i < 4; i++) await finish('replaced');
    await done;
    expect(asked).toEqual([1, 2, 1, 2]);
  });
});
