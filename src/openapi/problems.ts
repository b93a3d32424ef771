import { ApiExtension } from '@nestjs/swagger';
import type { ProblemCode } from '../problem/catalogue.js';

/**
 * Names the errors a route can answer with. `document.ts` makes OpenAPI responses of them, and adds what any
 * route, or any guarded route, can answer with.
 */
export function Problems(...codes: ProblemCode[]): MethodDecorator & ClassDecorator {
  return ApiExtension(`x-problems-${codes.join('-')}`, codes);
}

/** Says of a route that it needs no database, so that the document does not warn of its absence. */
export function NoDatabase(): MethodDecorator {
  return ApiExtension('x-no-database', [true]);
}
