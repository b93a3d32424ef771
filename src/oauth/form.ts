import type { FastifyRequest } from 'fastify';
import { isForm } from '../http/also-form.js';
import { OAuthError } from './oauth-error.js';

export type Form = Readonly<Record<string, string>>;

/**
 * The parameters of a request as RFC 6749 section 3.2 reads them: one without a value counts as omitted, one that nobody
 * knows is ignored. One that is given twice was refused before. Throws `invalid_request` for any other kind of body.
 */
export function readForm(request: FastifyRequest): Form {
  if (request.body !== undefined && !isForm(request)) {
    throw new OAuthError('invalid_request', 'Send application/x-www-form-urlencoded.');
  }
  const given = Object.entries((request.body ?? {}) as Form);
  return Object.fromEntries(given.filter(([, value]) => value !== ''));
}

/** Throws `invalid_request`. */
export function required(form: Form, name: 'grant_type' | 'refresh_token' | 'token'): string {
  const value = form[name];
  if (value === undefined) throw new OAuthError('invalid_request', `The parameter ${name} is missing.`);
  return value;
}
