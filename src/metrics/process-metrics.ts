import { collectDefaultMetrics, Registry } from 'prom-client';

let registry: Registry | undefined;

/**
 * What Node tells of the process: memory, CPU, event-loop lag, garbage collection. Once for a process, however many
 * applications it runs: what observes the event loop and the garbage collector cannot be stopped again. Neither keeps a
 * process from ending.
 */
export function processMetrics(): Registry {
  if (!registry) {
    registry = new Registry();
    collectDefaultMetrics({ register: registry });
  }
  return registry;
}
