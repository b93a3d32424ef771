import { describe, expect, it, vi } from 'vitest';
import { Batcher } from './batcher.js';

/** A batch that `run` was given: `answer` and `fail` end it. */
interface Batch {
  entries: string[];
  answer: (answers?: string[]) => void;
  fail: (error: unknown) => void;
}

/** The batches in the order in which they began; each runs until the test ends it. */
function controlled() {
  const begun: Batch[] = [];
  const waiting: ((batch: Batch) => void)[] = [];
  let underWay = 0;
  const state = { begun, mostAtOnce: 0 };
  const run = async (entries: string[]): Promise<string[]> => {
    state.mostAtOnce = Math.max(state.mostAtOnce, ++underWay);
    try {
      return await new Promise((resolve, reject) => {
        const answer = (answers = entries.map((entry) => `answer to ${entry}`)) => resolve(answers);
        begun.push({ entries, answer, fail: reject });
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

/** A rejection that nobody handles fails the run: Vitest sees to it. */
describe('a batcher', () => {
  it('runs what arrives in one turn of the event loop together, in the order of arrival', async () => {
    const { run, next } = controlled();
    const batcher = new Batcher({ run, keyOf });
    const first = next();
    const answers = [batcher.submit('c'), batcher.submit('a')];
    await new Promise(process.nextTick);
    answers.push(batcher.submit('b'));
    const batch = await first;
    expect(batch.entries).toEqual(['c', 'a', 'b']);
    batch.answer();
    expect(await Promise.all(answers)).toEqual(['answer to c', 'answer to a', 'answer to b']);
  });

  it('has one batch under way, and runs all that arrives meanwhile as the next', async () => {
    const { run, next, state } = controlled();
    const batcher = new Batcher({ run, keyOf });
    const first = next();
    const answers = [batcher.submit('a')];
    const one = await first;
    answers.push(batcher.submit('b'));
    await turn();
    answers.push(batcher.submit('c'));
    await turn();
    expect(state.begun).toHaveLength(1);

    const second = next();
    one.answer();
    const two = await second;
    expect(two.entries).toEqual(['b', 'c']);
    two.answer();
    expect(await Promise.all(answers)).toEqual(['answer to a', 'answer to b', 'answer to c']);
    expect(state).toMatchObject({ mostAtOnce: 1 });
    expect(state.begun).toHaveLength(2);
  });

  it('gives entries of one key one place, the first one’s, and one answer', async () => {
    const { run, next } = controlled();
    const batcher = new Batcher({ run, keyOf });
    const first = next();
    const answers = Promise.all([batcher.submit('a 1'), batcher.submit('b'), batcher.submit('a 2')]);
    const batch = await first;
    expect(batch.entries).toEqual(['a 1', 'b']);
    batch.answer();
    expect(await answers).toEqual(['answer to a 1', 'answer to b', 'answer to a 1']);
  });

  it('never answers an entry from a batch that began before it arrived, though its key is in it', async () => {
    const { run, next } = controlled();
    const batcher = new Batcher({ run, keyOf });
    const first = next();
    const early = batcher.submit('a');
    const one = await first;
    const late = batcher.submit('a');
    const second = next();
    one.answer(['old']);
    expect(await early).toBe('old');
    const two = await second;
    expect(two.entries).toEqual(['a']);
    two.answer(['new']);
    expect(await late).toBe('new');
  });

  it('puts no more than maxSize into a batch, and leaves nobody behind', async () => {
    const sizes: number[] = [];
    const batcher = new Batcher<number, number>({
      run: async (entries) => {
        sizes.push(entries.length);
        return entries.map((entry) => entry * 2);
      },
      keyOf: String,
      mayFailAlone: () => true,
      maxSize: 3,
    });
    const numbers = Array.from({ length: 8 }, (_, i) => i);
    expect(await Promise.all(numbers.map((entry) => batcher.submit(entry)))).toEqual(numbers.map((entry) => entry * 2));
    expect(sizes).toEqual([3, 3, 2]);
  });

  it('lets an entry that is at fault fail alone: the others are tried again by themselves and answered', async () => {
    const runs: string[][] = [];
    const batcher = new Batcher<string, string>({
      run: async (entries) => {
        runs.push(entries);
        if (entries.includes('bad')) throw new Error('bad is bad');
        return entries;
      },
      keyOf: keyOf,
      mayFailAlone: () => true,
    });
    const answers = await Promise.allSettled(['a', 'bad', 'b'].map((entry) => batcher.submit(entry)));
    expect(answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : String(answer.reason)))).toEqual([
      'a',
      'Error: bad is bad',
      'b',
    ]);
    expect(runs).toEqual([['a', 'bad', 'b'], ['a'], ['bad'], ['b']]);
  });

  it('lets all fail at once, without another try, when the error can be nobody’s fault', async () => {
    const runs: string[][] = [];
    const away = new Error('the database is away');
    const batcher = new Batcher<string, string>({
      run: async (entries) => {
        runs.push(entries);
        throw away;
      },
      keyOf: keyOf,
      mayFailAlone: (error) => error !== away,
    });
    const answers = await Promise.allSettled(['a', 'b', 'c'].map((entry) => batcher.submit(entry)));
    expect(answers).toEqual(answers.map(() => ({ status: 'rejected', reason: away })));
    expect(runs).toEqual([['a', 'b', 'c']]);
  });

  it('tries an entry that was alone no second time', async () => {
    let runs = 0;
    const batcher = new Batcher<string, string>({
      run: async () => {
        runs++;
        throw new Error('bad');
      },
      keyOf,
    });
    await expect(batcher.submit('a')).rejects.toThrow('bad');
    expect(runs).toBe(1);
  });

  it('fails everybody who shares the key of a failing entry', async () => {
    const { run, next } = controlled();
    const batcher = new Batcher({ run, keyOf });
    const first = next();
    const answers = Promise.allSettled([batcher.submit('a 1'), batcher.submit('a 2')]);
    (await first).fail(new Error('bad'));
    expect((await answers).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });

  it('goes on after errors: those who waited meanwhile, and those who come later, are answered', async () => {
    const { run, next } = controlled();
    const batcher = new Batcher({ run, keyOf, mayFailAlone: () => false });
    const first = next();
    const failing = batcher.submit('a');
    const one = await first;
    const second = next();
    const waiting = batcher.submit('b');
    one.fail(new Error('away'));
    await expect(failing).rejects.toThrow('away');
    (await second).answer();
    expect(await waiting).toBe('answer to b');

    await turn();
    const third = next();
    const later = batcher.submit('a');
    (await third).answer();
    expect(await later).toBe('answer to a');
  });

  it('goes on when whatever it runs throws before it promises anything', async () => {
    let broken = true;
    const batcher = new Batcher<string, string>({
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

  it('refuses those who have waited for too long, and asks for nobody else’s answer in vain', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const { run, next, state } = controlled();
    const batcher = new Batcher({
      run,
      keyOf,
      mayFailAlone: () => false,
      maxSize: 2,
      maxWait: { ms: 3000, error: () => new Error('too late') },
    });
    const first = next();
    const answers = ['a', 'b', 'c', 'd', 'e'].map((entry) => batcher.submit(entry));
    const batch = await first;
    vi.advanceTimersByTime(3001);
    const second = next();
    answers.push(batcher.submit('f'));
    batch.fail(new Error('away'));
    const outcomes = Promise.allSettled(answers);
    (await second).answer();
    const reasons = (await outcomes).map((outcome) =>
      outcome.status === 'rejected' ? outcome.reason.message : 'answered',
    );
    expect(reasons).toEqual(['away', 'away', 'too late', 'too late', 'too late', 'answered']);
    expect(state.begun.map(({ entries }) => entries)).toEqual([['a', 'b'], ['f']]);
    vi.useRealTimers();
  });
});
