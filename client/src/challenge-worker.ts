import { findSolution, type Challenge } from './challenge-solver.js';

/** What a worker has of its global scope. */
interface WorkerScope {
  addEventListener: (type: 'message', listener: (event: { data: Challenge }) => void) => void;
  postMessage: (result: unknown) => void;
}

const scope = globalThis as unknown as WorkerScope;

scope.addEventListener('message', ({ data }) => {
  findSolution(data).then(
    (solution) => scope.postMessage({ solution }),
    (error: unknown) => scope.postMessage({ error: (error as Error).message }),
  );
});
