import { collectDefaultMetrics, Registry } from 'prom-client';

let registry: Registry | undefined;

/**
 * Metrics of the process: memory, CPU, event-loop lag, garbage collection. One registry for a process, also if it runs
 * several applications: the observers of event loop and garbage collector cannot be stopped. They keep no process alive.
 */
export function processMetrics(): Registry {
  if (!registry) {
    registry = new Registry();
    collectDefaultMetrics({ register: registry });
  }
  return registry;
}
