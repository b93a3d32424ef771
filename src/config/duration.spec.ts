import { describe, expect, it } from 'vitest';
import { parseDuration } from './duration.js';

describe('parseDuration', () => {
  it.each([
    ['0s', 0],
    ['250ms', 250],
    ['60s', 60_000],
    ['15m', 900_000],
    ['12h', 43_200_000],
    ['7d', 604_800_000],
    [' 7d ', 604_800_000],
    ['007s', 7000],
  ])('parses %j', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });

  it.each([
    '',
    '5',
    's',
    '5 s',
    '5S',
    '-5s',
    '+5s',
    '1.5h',
    '5w',
    '5min',
    '1h30m',
    '5s\n5s',
    '1e3s',
    '0x5s',
    '1234567890s',
  ])('refuses %j', (text) => {
    expect(parseDuration(text)).toBeNaN();
  });
});
