import { describe, expect, it } from 'vitest';
import { parseTrustProxy } from './trust-proxy.js';

describe('parseTrustProxy', () => {
  it.each(['off', 'OFF', 'false', '0', ' off '])('trusts no proxy for %j', (text) => {
    expect(parseTrustProxy(text)).toBe(false);
  });

  it('parses a number of hops, and addresses, networks and their names', () => {
    expect(parseTrustProxy('2')).toBe(2);
    expect(parseTrustProxy('10.0.0.1')).toEqual(['10.0.0.1']);
    expect(parseTrustProxy(' Loopback , 10.0.0.0/8,fd00::/8 ')).toEqual(['loopback', '10.0.0.0/8', 'fd00::/8']);
  });

  it.each([
    'true',
    'on',
    'yes',
    '*',
    'all',
    'any',
    '',
    ',',
    '10',
    '99',
    '100',
    '-1',
    '1.5',
    '1,2',
    'proxy.internal',
    '10.0.0.256',
  ])('refuses %j', (text) => {
    expect(parseTrustProxy(text)).toBeUndefined();
  });

  it.each([
    '0.0.0.0/1,128.0.0.0/1',
    '10.0.0.0/7',
    '2000::/3',
    '::/6',
    '::ffff:0.0.0.0/96',
    '::ffff:0:0/103',
    '::ffff:a00:0/96',
  ])('refuses %j, which is everybody or nearly', (text) => {
    expect(parseTrustProxy(text)).toBeUndefined();
  });

  it('accepts the largest private networks, also as IPv4 in IPv6', () => {
    for (const text of ['10.0.0.0/8', 'fc00::/7', '::ffff:10.0.0.0/104']) expect(parseTrustProxy(text)).toEqual([text]);
  });

  it.each(['0.0.0.0/0', '::/0', '10.0.0.0/00', '10.0.0.0/33', '::1/129', '10.0.0.0/8/8', '10.0.0.0/', '10.0.0.0/x'])(
    'refuses the network %j',
    (text) => {
      expect(parseTrustProxy(text)).toBeUndefined();
      expect(parseTrustProxy(`10.0.0.1,${text}`)).toBeUndefined();
    },
  );
});
