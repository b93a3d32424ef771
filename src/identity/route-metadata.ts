import type { ExecutionContext, Type } from '@nestjs/common';

/** The method of a controller that serves a route, and its class. */
interface Route {
  handler: () => unknown;
  controller: Type;
}

/**
 * Reads what decorators say of a route, once for each: reflection walks the prototypes every time, and a guard asks on every
 * request.
 */
export function oncePerRoute<T>(read: (route: Route) => T): (context: ExecutionContext) => T {
  const known = new WeakMap<Type, WeakMap<() => unknown, { value: T }>>();
  return (context) => {
    const handler = context.getHandler() as Route['handler'];
    const controller = context.getClass();
    const found = known.get(controller)?.get(handler);
    if (found) return found.value;
    const value = read({ handler, controller });
    const ofController = known.get(controller) ?? new WeakMap<() => unknown, { value: T }>();
    known.set(controller, ofController.set(handler, { value }));
    return value;
  };
}
