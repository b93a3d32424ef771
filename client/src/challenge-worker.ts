import { findSolution, type Challenge } from './challenge-solver.js';

/** What a worker has of its global scope. */
interface WorkerScope {
  onmessage: (event: { data: Challenge }) => void;
  postMessage: (result: unknown) => void;
}

const scope = globalThis as unknown as WorkerScope;

scope.onmessage = ({ data }) => {
  findSolution(data).then(
    (solution) => scope.postMessage({ solution }),
    (error: unknown) => scope.postMessage({ error: (error as Error).message }),
  );
};
