import { describe, expect, it } from 'vitest';
import { Problem } from '../../../src/problem/problem.js';
import { trackedApi, type Sent } from '../../support/http/documented.js';
import type { HttpResponse } from '../../support/http/http.js';

const ID = '0b5e2f6e-3c1d-4b52-9a64-6f1f3c1f6a10';
const HEADERS = { 'x-request-id': ID, 'cache-control': 'no-store' };
const JSON_TYPE = { ...HEADERS, 'content-type': 'application/json; charset=utf-8' };
const profile = {
  id: ID,
  email: 'ada@example.com',
  name: null,
  roles: [],
  emailVerified: true,
  locale: null,
  createdAt: '2026-11-22T16:37:08.000Z',
};
const read = { method: 'GET', path: '/users/me' };
const rename = { method: 'PATCH', path: '/users/me', type: 'application/json', body: '{"name":null}' };

const response = (
  status: number,
  body: unknown,
  headers: Record<string, string> = JSON_TYPE,
): HttpResponse<unknown> => ({
  status,
  headers: new Headers(headers),
  body,
});
const refusal = (problem: Problem, status = problem.status) =>
  response(status, problem.toBody(ID), { 'x-request-id': ID, ...problem.toHeaders() });
const check = (sent: Sent, given: HttpResponse<unknown>) => () => trackedApi().assertDocumented(sent, given);
const missing = new Problem('access_token_missing');

describe('the check of every response against the OpenAPI document', () => {
  it.each<[string, Sent, HttpResponse<unknown>]>([
    ['a response', read, response(200, profile)],
    ['a response to HEAD', { ...read, method: 'HEAD' }, response(200, undefined)],
    ['a problem', read, refusal(missing)],
    ['an accepted body', rename, response(200, profile)],
    ['a route with a parameter', { method: 'DELETE', path: `/sessions/${ID}?x` }, response(204, undefined, HEADERS)],
    ['an unknown path', { method: 'GET', path: '/nothing' }, refusal(new Problem('not_found'))],
  ])('passes a documented exchange: %s', (_, sent, given) => {
    expect(check(sent, given)).not.toThrow();
  });

  it.each<[string, Sent, HttpResponse<unknown>, RegExp]>([
    ['an unknown member', read, response(200, { ...profile, passwordHash: 'x' }), /"passwordHash"/],
    ['a missing member', read, response(200, { ...profile, roles: undefined }), /"roles"/],
    ['a wrong type', read, response(200, { ...profile, roles: 'admin' }), /\/roles must be array/],
    ['a wrong format', read, response(200, { ...profile, createdAt: 'today' }), /\/createdAt .*date-time/],
    ['no body', read, response(200, undefined), /must be object/],
    ['an unexpected body', { method: 'DELETE', path: '/sessions' }, response(204, {}), /it has a body/],
    ['another status', read, response(201, profile), /only 200, 400, 401, 500, 503 are documented/],
    ['a code of another route', read, refusal(new Problem('refresh_token_reused')), /\/code .*allowed/],
    ['a code under another status', read, refusal(missing, 503), /\/code .*allowed/],
    ['another content type', read, response(200, profile, { ...JSON_TYPE, 'content-type': 'text/html' }), /text\/html/],
    ['a missing header', read, response(200, profile, { ...JSON_TYPE, 'cache-control': 'public' }), /Cache-Control/],
    ['a cookie', read, response(200, profile, { ...JSON_TYPE, 'set-cookie': 'a=b' }), /Set-Cookie is not documented/],
    ['a route that is not documented', { method: 'GET', path: '/users' }, response(200, {}), /route is not in/],
    ['an accepted unknown member', { ...rename, body: '{"roles":[]}' }, response(200, profile), /"roles"/],
    ['an accepted wrong type', { ...rename, body: '{"name":1}' }, response(200, profile), /\/name must be/],
    [
      'an accepted request without its required body',
      { ...rename, body: '' },
      response(200, profile),
      /without the body/,
    ],
    ['an accepted content type', { ...rename, type: 'text/plain' }, response(200, profile), /text\/plain/],
  ])('fails with the route and the difference: %s', (_, sent, given, complaint) => {
    expect(check(sent, given)).toThrow(complaint);
    expect(check(sent, given)).toThrow(`${sent.method} ${sent.path}: response ${given.status}`);
  });
});
