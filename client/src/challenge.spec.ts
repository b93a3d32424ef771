import { createChallenge, verifySolution } from 'altcha-lib';
import { deriveKey } from 'altcha-lib/algorithms/pbkdf2';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { accountOf } from './account.js';
import { findSolution, type Challenge } from './challenge-solver.js';
import { solveChallenge, solveChallenges } from './challenge.js';
import { clientOn } from './client.js';
import { browser } from './platform.js';
import { FakeServer } from './testing/fake-server.js';
import { ADA } from './testing/signed-in.js';
import { World } from './testing/world.js';

const SECRETS = { hmacSignatureSecret: 'one', hmacKeySignatureSecret: 'another' };

function challengeOf(counter: number, algorithm = 'PBKDF2/SHA-256'): Promise<Challenge> {
  return createChallenge({ algorithm, cost: 10, counter, deriveKey, ...SECRETS }) as Promise<Challenge>;
}

/** The worker of a browser: it runs the solver, or does what a test says. */
function stubWorker(start: (worker: FakeWorker) => void): FakeWorker[] {
  const workers: FakeWorker[] = [];
  const Worker = class extends FakeWorker {
    constructor(url: URL, options: unknown) {
      super(url, options, start);
      workers.push(this);
    }
  };
  vi.stubGlobal('Worker', Worker);
  return workers;
}

class FakeWorker {
  readonly events = new EventTarget();
  readonly addEventListener = this.events.addEventListener.bind(this.events);
  received: unknown;
  terminate = vi.fn();
  constructor(
    readonly url: URL,
    readonly options: unknown,
    private readonly start: (worker: FakeWorker) => void,
  ) {}
  send(data: unknown): void {
    this.events.dispatchEvent(Object.assign(new Event('message'), { data }));
  }
  postMessage(message: unknown): void {
    this.received = message;
    setTimeout(() => this.start(this), 0);
  }
}

describe('solveChallenge', () => {
  afterEach(() => vi.unstubAllGlobals());

  it.each([0, 1, 7, 300])('finds the counter %i, as the server verifies it', async (counter) => {
    const challenge = await challengeOf(counter);
    const header = await solveChallenge({ challenge });
    const payload = JSON.parse(atob(header));
    expect(payload).toEqual({ challenge, solution: { counter, derivedKey: expect.stringMatching(/^[0-9a-f]{64}$/) } });
    expect(await verifySolution({ ...payload, deriveKey, ...SECRETS })).toMatchObject({ verified: true });
  });

  it('takes the solution of a worker, and ends the worker', async () => {
    const challenge = await challengeOf(3);
    const workers = stubWorker((worker) => worker.send({ solution: { counter: 42, derivedKey: 'ab' } }));
    const header = await solveChallenge({ challenge });
    expect(JSON.parse(atob(header)).solution).toEqual({ counter: 42, derivedKey: 'ab' });
    expect(workers).toHaveLength(1);
    expect(workers[0]!.url.href).toMatch(/\/challenge-worker\.js$/);
    expect(workers[0]!.options).toEqual({ type: 'module' });
    expect(workers[0]!.received).toBe(challenge);
    expect(workers[0]!.terminate).toHaveBeenCalledTimes(1);
  });

  it.each([
    ['may not be loaded', (worker: FakeWorker) => worker.events.dispatchEvent(new Event('error'))],
    [
      'may not be started',
      () => {
        throw new Error('unreachable');
      },
    ],
  ])('works without a worker that %s', async (what, start) => {
    if (what === 'may not be started') {
      vi.stubGlobal(
        'Worker',
        class {
          constructor() {
            throw new DOMException('refused by the policy', 'SecurityError');
          }
        },
      );
    } else stubWorker(start);
    const header = await solveChallenge({ challenge: await challengeOf(5) });
    expect(JSON.parse(atob(header)).solution.counter).toBe(5);
  });

  it('rejects with the error of a worker', async () => {
    const workers = stubWorker((worker) => worker.send({ error: 'Unknown challenge: X' }));
    await expect(solveChallenge({ challenge: await challengeOf(1) })).rejects.toThrow('Unknown challenge: X');
    expect(workers[0]!.terminate).toHaveBeenCalledTimes(1);
  });

  it.each([{}, { challenge: undefined }, { challenge: null }, { challenge: {} }, { challenge: { parameters: {} } }])(
    'rejects without a challenge: %j',
    async (problem) => {
      await expect(solveChallenge(problem)).rejects.toThrow(TypeError);
    },
  );

  it('rejects a challenge of another kind', async () => {
    const { parameters, signature } = await challengeOf(1);
    for (const algorithm of ['SHA-256', 'ARGON2ID', 'PBKDF2']) {
      const challenge = { parameters: { ...parameters, algorithm }, signature };
      await expect(solveChallenge({ challenge })).rejects.toThrow('Unknown challenge');
      await expect(findSolution(challenge)).rejects.toThrow('Unknown challenge');
    }
  });

  it('stops at its signal, in a worker and without one', async () => {
    const challenge = await challengeOf(100_000);
    const reason = new Error('left the page');
    await expect(solveChallenge({ challenge }, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const solving = solveChallenge({ challenge }, { signal: controller.signal });
    setTimeout(() => controller.abort(reason), 20);
    await expect(solving).rejects.toBe(reason);
    const again = new AbortController();
    const workers = stubWorker(() => again.abort(reason));
    await expect(solveChallenge({ challenge }, { signal: again.signal })).rejects.toBe(reason);
    expect(workers[0]!.terminate).toHaveBeenCalledTimes(1);
  });
});

describe('solveChallenges', () => {
  afterEach(() => vi.unstubAllGlobals());

  /** A client of a server that asks for a challenge until a request carries a solution that is right. */
  async function challenged(challenge: unknown) {
    const server = new FakeServer(new World());
    const solutions: (string | null)[] = [];
    const fetch = async (input: unknown, { method = 'GET', body, headers }: RequestInit = {}) => {
      const header = new Headers(headers).get('latchkey-challenge');
      solutions.push(header);
      const isSolved =
        header !== null && (await verifySolution({ ...JSON.parse(atob(header)), deriveKey, ...SECRETS })).verified;
      if (!isSolved) {
        const problem = JSON.stringify({ code: 'challenge_required', status: 403, terminal: false, challenge });
        return new Response(problem, { status: 403, headers: { 'content-type': 'application/problem+json' } });
      }
      const route = `${method} ${new URL(String(input)).pathname}`;
      return server.handle({ route, token: null, body: JSON.parse(String(body)), cookies: undefined }).response;
    };
    const onChallenge = vi.fn();
    const options = { baseUrl: 'https://auth.example.com' };
    const client = solveChallenges(clientOn({ ...browser, fetch: fetch as never }, options), { onChallenge });
    return { client, server, solutions, onChallenge };
  }

  it('repeats login, register and forgotPassword once, with the solution', async () => {
    const { client, server, solutions, onChallenge } = await challenged(await challengeOf(4));
    expect(await client.login(ADA)).toMatchObject({ userId: expect.any(String) });
    await client.register(ADA);
    await accountOf(client).forgotPassword('ada@example.com');
    expect(server.calls.map(({ route }) => route)).toEqual([
      'POST /auth/login',
      'POST /auth/register',
      'POST /auth/password/forgot',
    ]);
    expect(server.calls[0]!.body).toMatchObject(ADA);
    expect(solutions.map((solution) => solution !== null)).toEqual([false, true, false, true, false, true]);
    expect(onChallenge).toHaveBeenCalledTimes(3);
    client.close();
  });

  it.each([
    ['nobody can solve', { parameters: { algorithm: 'ARGON2ID' }, signature: 'x' }],
    ['is missing', undefined],
  ])('leaves the call rejected with challenge_required where a challenge %s', async (_, challenge) => {
    const { client, solutions } = await challenged(challenge);
    await expect(client.login(ADA)).rejects.toMatchObject({ code: 'challenge_required', terminal: false });
    expect(solutions).toEqual([null]);
    client.close();
  });

  it('asks no more than once, so that a server cannot keep a page working', async () => {
    const { parameters } = await challengeOf(2);
    const { client, solutions } = await challenged({ parameters, signature: 'of another server' });
    await expect(client.login(ADA)).rejects.toMatchObject({ code: 'challenge_required' });
    expect(solutions).toHaveLength(2);
    client.close();
  });
});
