import { applyDecorators, type Type } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiExtension, ApiExtraModels } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';

/** Lets a route take `application/x-www-form-urlencoded` as well as JSON, and documents the form's fields. */
export function AlsoForm(fields: Type): MethodDecorator {
  return applyDecorators(
    RouteConfig({ acceptsForm: true }),
    ApiExtraModels(fields),
    ApiExtension('x-form', [fields.name]),
  );
}

/** Whether the body of a request came as a form. */
export function isForm(request: FastifyRequest): boolean {
  return /^application\/x-www-form-urlencoded\b/i.test(request.headers['content-type'] ?? '');
}
