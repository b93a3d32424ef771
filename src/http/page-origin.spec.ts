import { describe, expect, it } from 'vitest';
import { isFromForeignPage, ownOrigins } from './page-origin.js';

const own = ownOrigins({ issuer: 'https://auth.example.com/base', corsOrigins: ['https://app.example.org'] });
const isForeign = (origin: string | undefined, site: string | undefined) =>
  isFromForeignPage({ headers: { origin, 'sec-fetch-site': site } as never }, own);

describe('the page that a request comes from', () => {
  it.each([
    ['https://evil.example', 'cross-site'],
    ['https://sub.auth.example.com', 'same-site'],
    ['null', 'cross-site'],
    [undefined, 'cross-site'],
    [undefined, 'same-site'],
  ])('is foreign with Origin %s and Sec-Fetch-Site %s', (origin, site) => {
    expect(isForeign(origin, site)).toBe(true);
  });

  it.each([
    ['https://app.example.org', 'cross-site'],
    ['https://auth.example.com', 'same-origin'],
    ['http://localhost:5173', 'same-origin'],
    [undefined, 'none'],
    [undefined, undefined],
    ['https://evil.example', undefined],
  ])('is not foreign with Origin %s and Sec-Fetch-Site %s', (origin, site) => {
    expect(isForeign(origin, site)).toBe(false);
  });
});
