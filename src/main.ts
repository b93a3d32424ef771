import 'reflect-metadata';
import { readConfigOrExit } from './config/process-config.js';
import { Primary } from './workers/primary.js';
import { PrimaryLink } from './workers/primary-link.js';

const config = readConfigOrExit({ createsSecret: true });
if (config.workers > 1 && !PrimaryLink.ofThisProcess()) await new Primary(config).run();
else {
  // Not in the primary: it serves no request, and its workers may run a newer build.
  const { serve } = await import('./server.js');
  await serve(config);
}
