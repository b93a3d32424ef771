import type { Client, InternalClient } from './client.js';
import { findSolution, type Challenge, type Solution } from './challenge-solver.js';

export type { Challenge } from './challenge-solver.js';

/** The request header for the result of `solveChallenge`. */
export const CHALLENGE_HEADER = 'Latchkey-Challenge';

export interface SolveOptions {
  /** Stops the work. */
  signal?: AbortSignal;
}

export interface ChallengeOptions {
  /** Called when the work on a challenge begins: a page can say that signing in takes a moment longer. */
  onChallenge?: () => void;
}

/** A module worker, as far as it is used here. */
interface ModuleWorker {
  addEventListener(
    type: 'message',
    listener: (event: { data: { solution: Solution } | { error: string } }) => void,
  ): void;
  addEventListener(type: 'error', listener: (event: Event) => void): void;
  postMessage: (challenge: Challenge) => void;
  terminate: () => void;
}

/** For so long the main thread works before it gives the page a turn. */
const SLICE_MS = 30;

/**
 * Makes a client solve the challenges that the server asks of `login`, `register` and `forgotPassword`: the request is sent
 * once more, with the solution. Where the page cannot solve one, the call rejects with `challenge_required`. Returns the client.
 */
export function solveChallenges(client: Client, { onChallenge }: ChallengeOptions = {}): Client {
  const { parts } = client as InternalClient;
  const { platform } = parts;
  parts.platform = {
    ...platform,
    async fetch(input, init) {
      const response = await platform.fetch(input, init);
      const problem = response.status === 403 ? await problemOf(response) : null;
      if (problem?.code !== 'challenge_required') return response;
      onChallenge?.();
      const solution = await solveChallenge(problem).catch(() => null);
      if (!solution) return response;
      const headers = new Headers(init?.headers);
      headers.set(CHALLENGE_HEADER, solution);
      return platform.fetch(input, { ...init, headers });
    },
  };
  return client;
}

/** It reads a clone, so that the client can still read the body. */
async function problemOf(response: Response): Promise<{ code?: unknown; challenge?: unknown } | null> {
  return (await response
    .clone()
    .json()
    .catch(() => null)) as { code?: unknown; challenge?: unknown } | null;
}

/**
 * Solves the challenge of a `challenge_required`, given the problem document: for requests that no client sends. It works in
 * a worker, and on the main thread, in slices, where the page may have none. Resolves to the value of the header
 * `Latchkey-Challenge`, with which the request is repeated within five minutes, once. Takes about a second on a
 * phone.
 *
 * Rejects with a `TypeError` where there is no challenge, with the reason of the signal, and with an `Error` where the
 * challenge is of an unknown kind or the page has no Web Crypto (it needs https, or localhost).
 */
export async function solveChallenge(
  problem: { readonly challenge?: unknown },
  { signal }: SolveOptions = {},
): Promise<string> {
  const { challenge } = problem;
  if (!isChallenge(challenge)) throw new TypeError('There is no challenge to solve');
  signal?.throwIfAborted();
  const solution = (await inWorker(challenge, signal)) ?? (await inSlices(challenge, signal));
  return btoa(JSON.stringify({ challenge, solution }));
}

function isChallenge(value: unknown): value is Challenge {
  const { parameters, signature } = (value ?? {}) as Partial<Challenge>;
  return typeof parameters?.algorithm === 'string' && typeof signature === 'string';
}

/** Null where the page may have no worker, or its file is missing or refused. */
async function inWorker(challenge: Challenge, signal?: AbortSignal): Promise<Solution | null> {
  const worker = startWorker();
  if (!worker) return null;
  let stop = () => {};
  try {
    return await new Promise<Solution | null>((resolve, reject) => {
      stop = () => reject(signal?.reason as Error);
      signal?.addEventListener('abort', stop);
      worker.addEventListener('message', ({ data }) =>
        'solution' in data ? resolve(data.solution) : reject(new Error(data.error)),
      );
      worker.addEventListener('error', (event) => {
        event.preventDefault();
        resolve(null);
      });
      worker.postMessage(challenge);
    });
  } finally {
    signal?.removeEventListener('abort', stop);
    worker.terminate();
  }
}

function startWorker(): ModuleWorker | null {
  const { Worker } = globalThis as unknown as { Worker?: new (url: URL, options: { type: 'module' }) => ModuleWorker };
  if (!Worker) return null;
  try {
    // Bundlers recognise this expression, and it needs no `blob:` in a Content-Security-Policy.
    return new Worker(new URL('./challenge-worker.js', import.meta.url), { type: 'module' });
  } catch {
    return null;
  }
}

async function inSlices(challenge: Challenge, signal?: AbortSignal): Promise<Solution> {
  let since = performance.now();
  return findSolution(challenge, async () => {
    signal?.throwIfAborted();
    if (performance.now() - since < SLICE_MS) return;
    await new Promise<void>((resolve) => void setTimeout(resolve, 0));
    since = performance.now();
  });
}
