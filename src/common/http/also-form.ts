import { applyDecorators, type Type } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiExtension, ApiExtraModels } from '@nestjs/swagger';

/** Lets a route take `application/x-www-form-urlencoded` as well as JSON, and documents the form's fields. */
export function AlsoForm(fields: Type): MethodDecorator {
  return applyDecorators(
    RouteConfig({ acceptsForm: true }),
    ApiExtraModels(fields),
    ApiExtension('x-form', [fields.name]),
  );
}
