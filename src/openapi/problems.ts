import { SetMetadata } from '@nestjs/common';
import type { ProblemCode } from '../problem/catalogue.js';

export const PROBLEMS = 'latchkey:problems';
export const NO_DATABASE = 'latchkey:no-database';
export const OWN_ERRORS = 'latchkey:own-errors';

/**
 * Names the problems that a route can respond with. Not needed for those of every route and those of every guarded
 * route: `complete-operation.ts` adds them. Can be given more than once.
 */
export function Problems(...codes: ProblemCode[]): MethodDecorator & ClassDecorator {
  return ((target: object, _key?: string | symbol, descriptor?: PropertyDescriptor): void => {
    const holder = (descriptor?.value ?? target) as object;
    const others = (Reflect.getOwnMetadata(PROBLEMS, holder) ?? []) as ProblemCode[];
    Reflect.defineMetadata(PROBLEMS, [...codes, ...others], holder);
  }) as MethodDecorator & ClassDecorator;
}

/** For a route that needs no database: the document leaves out `database_unavailable`. */
export const NoDatabase = (): MethodDecorator => SetMetadata(NO_DATABASE, true);

/**
 * For a route whose form and 4xx responses are defined by a standard: it documents them itself, and ignores unknown
 * parameters. The document adds only problems of the server (5xx) and `rate_limited`.
 */
export const OwnErrors = (): MethodDecorator => SetMetadata(OWN_ERRORS, true);
