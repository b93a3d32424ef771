import { describe, expect, it } from 'vitest';
import { addressOf, apiBase, mayCarryToken } from './address.js';

const goesTo = (path: string, baseUrl = 'https://api.example.com', origins: string[] = []) => {
  const base = apiBase(baseUrl);
  const address = addressOf(path, base);
  return [address.href, mayCarryToken(address, base, origins)];
};

describe('the access token', () => {
  it.each([
    ['/users/me', 'https://api.example.com/users/me'],
    ['https://api.example.com', 'https://api.example.com/'],
    ['HTTPS://API.example.com:443/x', 'https://api.example.com/x'],
    ['users/me', 'https://api.example.com/users/me'],
    // In some contexts a backslash starts a host name. Here it stays below the API.
    ['/\\evil.example/x', 'https://api.example.com//evil.example/x'],
  ])('is sent to the API: %s', (path, href) => {
    expect(goesTo(path)).toEqual([href, true]);
  });

  it.each([
    '//evil.example/x',
    'https://evil.example/users/me',
    'http://api.example.com/users/me',
    'https://api.example.com:8443/users/me',
    'https://api.example.com.evil.example/',
    'https://api.example.com@evil.example/',
    '\\\\evil.example/x',
    'https:\\\\evil.example',
    'blob:https://api.example.com/8f3b',
    'data:text/plain,x',
    'javascript:0',
  ])('is sent to no other address: %s', (path) => {
    expect(goesTo(path)[1]).toBe(false);
  });

  it('is sent only below the path of the API', () => {
    const base = 'https://example.com/api/';
    expect(goesTo('/users/me', base)).toEqual(['https://example.com/api/users/me', true]);
    expect(goesTo('https://example.com/api', base)[1]).toBe(true);
    for (const other of [
      'https://example.com/',
      'https://example.com/apis/x',
      'https://example.com/api/../x',
      '/../x',
    ]) {
      expect(goesTo(other, base)[1], other).toBe(false);
    }
  });

  it('is sent to a named origin, and to no similar one', () => {
    const named = ['https://reports.example.com'];
    expect(goesTo('https://reports.example.com/a', undefined, named)[1]).toBe(true);
    for (const other of [
      'http://reports.example.com/',
      'https://x.reports.example.com/',
      'blob:https://reports.example.com/1',
    ])
      expect(goesTo(other, undefined, named)[1], other).toBe(false);
  });
});

it('the API address ignores a query and a fragment', () => {
  expect(apiBase('https://auth.example.com/api/?a=b#c').href).toBe('https://auth.example.com/api/');
});
