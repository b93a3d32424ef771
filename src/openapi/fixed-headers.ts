import type { INestApplication } from '@nestjs/common';
import { HEADERS_METADATA } from '@nestjs/common/constants.js';
import { ModulesContainer } from '@nestjs/core';

interface FixedHeader {
  name: string;
  value: unknown;
}

/** What `@Header()` says that a route's good answers carry, by the id of its operation. */
export function fixedHeaders(
  app: INestApplication,
  idOf: (controller: string, method: string) => string,
): Map<string, FixedHeader[]> {
  const found = new Map<string, FixedHeader[]>();
  for (const { controllers } of app.get(ModulesContainer).values()) {
    for (const { metatype } of controllers.values()) {
      const methods = Object.entries(Object.getOwnPropertyDescriptors(metatype?.prototype ?? {}));
      for (const [method, { value }] of methods) {
        const headers = (value && Reflect.getMetadata(HEADERS_METADATA, value)) as FixedHeader[] | undefined;
        if (headers) found.set(idOf(metatype!.name, method), headers);
      }
    }
  }
  return found;
}
