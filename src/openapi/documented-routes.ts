import type { INestApplication, Type } from '@nestjs/common';
import { HEADERS_METADATA } from '@nestjs/common/constants.js';
import { MetadataScanner, ModulesContainer, Reflector } from '@nestjs/core';
import { DECORATORS } from '@nestjs/swagger';
import { FORM_FIELDS } from '../http/also-form.js';
import { RATE_LIMIT } from '../http/limit-rate.js';
import { PUBLIC, RECENT_AUTHENTICATION, ROLES } from '../identity/decorators.js';
import type { ProblemCode } from '../problem/catalogue.js';
import { NO_DATABASE, OWN_ERRORS, PROBLEMS } from './problems.js';
import { SETS_REFRESH_COOKIE } from './refresh-cookie.js';

/** The metadata of a route that the document needs: the guards read the same. */
export interface DocumentedRoute {
  isPublic: boolean;
  needsRole: boolean;
  needsRecentAuthentication: boolean;
  isLimited: boolean;
  needsDatabase: boolean;
  hasOwnErrors: boolean;
  problems: ProblemCode[];
  /** The fields of the form that the route takes as well as JSON. */
  form: Type | undefined;
  /** What `@Header()` adds to every response that is no error. */
  headers: { name: string; value: unknown }[];
  /** The statuses of responses that can set or clear refresh cookies. */
  setsCookie: number[];
}

type Handler = (...parameters: never[]) => unknown;

/** Every handler of every controller, by the id that its operation has in the document. */
export function documentedRoutes(app: INestApplication): Map<string, DocumentedRoute> {
  const reflector = app.get(Reflector);
  const scanner = new MetadataScanner();
  const routes = new Map<string, DocumentedRoute>();
  for (const { controllers } of app.get(ModulesContainer).values()) {
    for (const { metatype } of controllers.values()) {
      const controller = metatype as Type;
      for (const method of scanner.getAllMethodNames(controller.prototype as object)) {
        const handler = (controller.prototype as Record<string, Handler>)[method]!;
        const id = explicitId(handler) ?? operationId(controller.name, method);
        routes.set(id, readRoute(reflector, controller, handler));
      }
    }
  }
  return routes;
}

/** Nest appends `[0]`, `[1]` … where a handler has several paths, and `_get`, `_post` … where it has `@All()`. */
export function routeOf(id: string, routes: Map<string, DocumentedRoute>): DocumentedRoute {
  const candidates = [id, id.slice(0, id.lastIndexOf('[')), id.slice(0, id.lastIndexOf('_'))];
  const found = candidates.find((candidate) => routes.has(candidate));
  if (found === undefined) throw new Error(`No handler belongs to the operation ${id}`);
  return routes.get(found)!;
}

export function operationId(controller: string, method: string): string {
  return `${controller.replace('Controller', '').toLowerCase()}_${method}`;
}

function explicitId(handler: Handler): string | undefined {
  return (Reflect.getMetadata(DECORATORS.API_OPERATION, handler) as { operationId?: string } | undefined)?.operationId;
}

function readRoute(reflector: Reflector, controller: Type, handler: Handler): DocumentedRoute {
  const both = [handler, controller];
  return {
    isPublic: reflector.getAllAndOverride<boolean | undefined>(PUBLIC, both) ?? false,
    needsRole: reflector.getAllAndOverride<string[] | undefined>(ROLES, both) !== undefined,
    needsRecentAuthentication: reflector.getAllAndOverride<boolean | undefined>(RECENT_AUTHENTICATION, both) === true,
    isLimited: reflector.get<string[] | undefined>(RATE_LIMIT, handler) !== undefined,
    needsDatabase: reflector.get<boolean | undefined>(NO_DATABASE, handler) !== true,
    hasOwnErrors: reflector.get<boolean | undefined>(OWN_ERRORS, handler) === true,
    problems: reflector.getAllAndMerge<ProblemCode[]>(PROBLEMS, both),
    form: reflector.get<Type | undefined>(FORM_FIELDS, handler),
    headers: reflector.get<DocumentedRoute['headers'] | undefined>(HEADERS_METADATA, handler) ?? [],
    setsCookie: reflector.get<number[] | undefined>(SETS_REFRESH_COOKIE, handler) ?? [],
  };
}
