import { applyDecorators, SetMetadata, type Type } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiExtraModels } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';

export const FORM_FIELDS = 'latchkey:form-fields';

/** Lets a route take `application/x-www-form-urlencoded` as well as JSON, and documents the form's fields. */
export function AlsoForm(fields: Type): MethodDecorator {
  return applyDecorators(RouteConfig({ acceptsForm: true }), ApiExtraModels(fields), SetMetadata(FORM_FIELDS, fields));
}

/** Whether the body of a request is a form. */
export function isForm(request: FastifyRequest): boolean {
  return /^application\/x-www-form-urlencoded\b/i.test(request.headers['content-type'] ?? '');
}
