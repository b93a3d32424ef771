import { describe, expect, it } from 'vitest';
import { Problem } from '../../src/problem/problem.js';
import { trackedApi, type Sent } from '../support/documented.js';
import type { Answer } from '../support/http.js';

const ID = '0b5e2f6e-3c1d-4b52-9a64-6f1f3c1f6a10';
const EVERY = { 'x-request-id': ID, 'cache-control': 'no-store' };
const JSON_TYPE = { ...EVERY, 'content-type': 'application/json; charset=utf-8' };
const profile = { id: ID, email: 'ada@example.com', name: null, roles: [], createdAt: '2026-11-22T16:37:08.000Z' };
const read = { method: 'GET', path: '/users/me' };
const rename = { method: 'PATCH', path: '/users/me', type: 'application/json', body: '{"name":null}' };

const answer = (status: number, body: unknown, headers: Record<string, string> = JSON_TYPE): Answer<unknown> => ({
  status,
  headers: new Headers(headers),
  body,
});
const refusal = (problem: Problem, status = problem.status) =>
  answer(status, problem.toBody(ID), { 'x-request-id': ID, ...problem.toHeaders() });
const hold = (sent: Sent, given: Answer<unknown>) => () => trackedApi().hold(sent, given);
const missing = new Problem('access_token_missing');

describe('the check of every answer against the OpenAPI document', () => {
  it.each<[string, Sent, Answer<unknown>]>([
    ['an answer', read, answer(200, profile)],
    ['an answer to HEAD', { ...read, method: 'HEAD' }, answer(200, undefined)],
    ['a refusal', read, refusal(missing)],
    ['a body that was taken', rename, answer(200, profile)],
    ['a route with a parameter', { method: 'DELETE', path: `/sessions/${ID}?x` }, answer(204, undefined, EVERY)],
    ['an address of nothing', { method: 'GET', path: '/nothing' }, refusal(new Problem('not_found'))],
  ])('passes what is documented: %s', (_, sent, given) => {
    expect(hold(sent, given)).not.toThrow();
  });

  it.each<[string, Sent, Answer<unknown>, RegExp]>([
    ['an unknown member', read, answer(200, { ...profile, passwordHash: 'x' }), /"passwordHash"/],
    ['a missing member', read, answer(200, { ...profile, roles: undefined }), /"roles"/],
    ['a wrong type', read, answer(200, { ...profile, roles: 'admin' }), /\/roles must be array/],
    ['a wrong format', read, answer(200, { ...profile, createdAt: 'today' }), /\/createdAt .*date-time/],
    ['no body', read, answer(200, undefined), /must be object/],
    ['a body where there is none', { method: 'DELETE', path: '/sessions' }, answer(204, {}), /it has a body/],
    ['another status', read, answer(201, profile), /only 200, 400, 401, 500, 503 are documented/],
    ['a code that is not of this route', read, refusal(new Problem('refresh_token_reused')), /\/code .*allowed/],
    ['a code under another status', read, refusal(missing, 503), /\/code .*allowed/],
    ['another content type', read, answer(200, profile, { ...JSON_TYPE, 'content-type': 'text/html' }), /text\/html/],
    ['a missing header', read, answer(200, profile, { ...JSON_TYPE, 'cache-control': 'public' }), /Cache-Control/],
    [
      'a cookie',
      read,
      answer(200, profile, { ...JSON_TYPE, 'set-cookie': 'a=b' }),
      /header Set-Cookie is not documented/,
    ],
    ['a route that is not documented', { method: 'GET', path: '/users' }, answer(200, {}), /route is not in/],
    ['an unknown member that was taken', { ...rename, body: '{"roles":[]}' }, answer(200, profile), /"roles"/],
    ['a wrong type that was taken', { ...rename, body: '{"name":1}' }, answer(200, profile), /\/name must be/],
    ['no body where one is required', { ...rename, body: '' }, answer(200, profile), /without the body/],
    ['a type of body that was taken', { ...rename, type: 'text/plain' }, answer(200, profile), /text\/plain/],
  ])('fails at what is not, and says where and what: %s', (_, sent, given, complaint) => {
    expect(hold(sent, given)).toThrow(complaint);
    expect(hold(sent, given)).toThrow(`${sent.method} ${sent.path}, answered ${given.status}`);
  });
});
