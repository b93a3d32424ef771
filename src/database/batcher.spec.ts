import { describe, expect, it, vi } from 'vitest';
import { Batcher } from './batcher.js';

/** A batch that `run` received; `succeed` and `fail` settle it. */
interface Batch {
  entries: string[];
  succeed: (results?: string[]) => void;
  fail: (error: unknown) => void;
}

/** Records the batches in the order of their start; each runs until the test settles it. */
function controlled() {
  const begun: Batch[] = [];
  const waiting: ((batch: Batch) => void)[] = [];
  let underWay = 0;
  const state = { begun, mostAtOnce: 0 };
  const run = async (entries: string[]): Promise<string[]> => {
    state.mostAtOnce = Math.max(state.mostAtOnce, ++underWay);
    try {
      return await new Promise((resolve, reject) => {
        const succeed = (results = entries.map((entry) => `result of ${entry}`)) => resolve(results);
        begun.push({ entries, succeed, fail: reject });
        waiting.shift()?.(begun.at(-1)!);
      });
    } finally {
      underWay--;
    }
  };
  const next = () => new Promise<Batch>((resolve) => void waiting.push(resolve));
  return { run, next, state };
}

const turn = () => new Promise(setImmediate);
const keyOf = (entry: string) => entry.split(' ')[0]!;

/** Vitest fails the run on an unhandled rejection. */
describe('a batcher', () => {
  it('runs the entries of one event loop turn in one batch, in order of arrival', async () => {
    const { run, next } = controlled();
    const batcher = new Batcher({ run, keyOf, isRetriedOneByOne: () => true });
    const first = next();
    const results = [batcher.submit('c'), batcher.submit('a')];
    await new Promise(process.nextTick);
    results.push(batcher.submit('b'));
    const batch = await first;
    expect(batch.entries).toEqual(['c', 'a', 'b']);
    batch.succeed();
    expect(await Promise.all(results)).toEqual(['result of c', 'result of a', 'result of b']);
  });

  it('runs one batch at a time, and collects new entries for the next one', async () => {
    const { run, next, state } = controlled();
    const batcher = new Batcher({ run, keyOf, isRetriedOneByOne: () => true });
    const first = next();
    const results = [batcher.submit('a')];
    const one = await first;
    results.push(batcher.submit('b'));
    await turn();
    results.push(batcher.submit('c'));
    await turn();
    expect(state.begun).toHaveLength(1);

    const second = next();
    one.succeed();
    const two = await second;
    expect(two.entries).toEqual(['b', 'c']);
    two.succeed();
    expect(await Promise.all(results)).toEqual(['result of a', 'result of b', 'result of c']);
    expect(state).toMatchObject({ mostAtOnce: 1 });
    expect(state.begun).toHaveLength(2);
  });

  it('runs entries with the same key once, and shares the result (single flight)', async () => {
    const { run, next } = controlled();
    const batcher = new Batcher({ run, keyOf, isRetriedOneByOne: () => true });
    const first = next();
    const results = Promise.all([batcher.submit('a 1'), batcher.submit('b'), batcher.submit('a 2')]);
    const batch = await first;
    expect(batch.entries).toEqual(['a 1', 'b']);
    batch.succeed();
    expect(await results).toEqual(['result of a 1', 'result of b', 'result of a 1']);
  });

  it('never shares a batch that started before the entry was submitted', async () => {
    const { run, next } = controlled();
    const batcher = new Batcher({ run, keyOf, isRetriedOneByOne: () => true });
    const first = next();
    const early = batcher.submit('a');
    const one = await first;
    const late = batcher.submit('a');
    const second = next();
    one.succeed(['old']);
    expect(await early).toBe('old');
    const two = await second;
    expect(two.entries).toEqual(['a']);
    two.succeed(['new']);
    expect(await late).toBe('new');
  });

  it('splits entries into batches of at most maxSize', async () => {
    const sizes: number[] = [];
    const batcher = new Batcher<number, number>({
      run: async (entries) => {
        sizes.push(entries.length);
        return entries.map((entry) => entry * 2);
      },
      keyOf: String,
      isRetriedOneByOne: () => true,
      maxSize: 3,
    });
    const numbers = Array.from({ length: 8 }, (_, i) => i);
    expect(await Promise.all(numbers.map((entry) => batcher.submit(entry)))).toEqual(numbers.map((entry) => entry * 2));
    expect(sizes).toEqual([3, 3, 2]);
  });

  it('retries the entries of a failed batch one by one, so that a bad one fails alone', async () => {
    const runs: string[][] = [];
    const batcher = new Batcher<string, string>({
      run: async (entries) => {
        runs.push(entries);
        if (entries.includes('bad')) throw new Error('bad is bad');
        return entries;
      },
      keyOf: keyOf,
      isRetriedOneByOne: () => true,
    });
    const results = await Promise.allSettled(['a', 'bad', 'b'].map((entry) => batcher.submit(entry)));
    expect(results.map((result) => (result.status === 'fulfilled' ? result.value : String(result.reason)))).toEqual([
      'a',
      'Error: bad is bad',
      'b',
    ]);
    expect(runs).toEqual([['a', 'bad', 'b'], ['a'], ['bad'], ['b']]);
  });

  it('fails the whole batch without a retry when isRetriedOneByOne is false', async () => {
    const runs: string[][] = [];
    const away = new Error('the database is away');
    const batcher = new Batcher<string, string>({
      run: async (entries) => {
        runs.push(entries);
        throw away;
      },
      keyOf: keyOf,
      isRetriedOneByOne: (error) => error !== away,
    });
    const results = await Promise.allSettled(['a', 'b', 'c'].map((entry) => batcher.submit(entry)));
    expect(results).toEqual(results.map(() => ({ status: 'rejected', reason: away })));
    expect(runs).toEqual([['a', 'b', 'c']]);
  });

  it('does not retry a batch of one entry', async () => {
    let runs = 0;
    const batcher = new Batcher<string, string>({
      isRetriedOneByOne: () => true,
      run: async () => {
        runs++;
        throw new Error('bad');
      },
      keyOf,
    });
    await expect(batcher.submit('a')).rejects.toThrow('bad');
    expect(runs).toBe(1);
  });

  it('fails all entries with the key of a failed entry', async () => {
    const { run, next } = controlled();
    const batcher = new Batcher({ run, keyOf, isRetriedOneByOne: () => true });
    const first = next();
    const results = Promise.allSettled([batcher.submit('a 1'), batcher.submit('a 2')]);
    (await first).fail(new Error('bad'));
    expect((await results).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });

  it('runs waiting and later entries after a failed batch', async () => {
    const { run, next } = controlled();
    const batcher = new Batcher({ run, keyOf, isRetriedOneByOne: () => false });
    const first = next();
    const failing = batcher.submit('a');
    const one = await first;
    const second = next();
    const waiting = batcher.submit('b');
    one.fail(new Error('away'));
    await expect(failing).rejects.toThrow('away');
    (await second).succeed();
    expect(await waiting).toBe('result of b');

    await turn();
    const third = next();
    const later = batcher.submit('a');
    (await third).succeed();
    expect(await later).toBe('result of a');
  });

  it('continues after run throws synchronously', async () => {
    let broken = true;
    const batcher = new Batcher<string, string>({
      isRetriedOneByOne: () => true,
      run: (entries) => {
        if (broken) throw new Error('broken');
        return Promise.resolve(entries);
      },
      keyOf,
    });
    await expect(batcher.submit('a')).rejects.toThrow('broken');
    broken = false;
    expect(await batcher.submit('a')).toBe('a');
  });

  it('rejects entries that waited longer than maxWait, without running them', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const { run, next, state } = controlled();
    const batcher = new Batcher({
      run,
      keyOf,
      isRetriedOneByOne: () => false,
      maxSize: 2,
      maxWait: { ms: 3000, error: () => new Error('too late') },
    });
    const first = next();
    const results = ['a', 'b', 'c', 'd', 'e'].map((entry) => batcher.submit(entry));
    const batch = await first;
    vi.advanceTimersByTime(3001);
    const second = next();
    results.push(batcher.submit('f'));
    batch.fail(new Error('away'));
    const outcomes = Promise.allSettled(results);
    (await second).succeed();
    const reasons = (await outcomes).map((outcome) =>
      outcome.status === 'rejected' ? outcome.reason.message : 'success',
    );
    expect(reasons).toEqual(['away', 'away', 'too late', 'too late', 'too late', 'success']);
    expect(state.begun.map(({ entries }) => entries)).toEqual([['a', 'b'], ['f']]);
    vi.useRealTimers();
  });
});
