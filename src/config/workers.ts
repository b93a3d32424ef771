import { availableParallelism } from 'node:os';

/** Reads WORKERS: `auto` is one for each core. */
export function parseWorkers(text: string): number {
  return text === 'auto' ? availableParallelism() : Number(text);
}

/** The part of each worker in what one machine has, in whole units and at least one: the parts may add up to more. */
export function workerShare(total: number, workers: number): number {
  return Math.max(1, Math.floor(total / workers));
}
