import { expect, it } from 'vitest';
import { appLink } from './app-link.js';

it('a link has its token in the fragment, never in path or query', () => {
  const link = new URL(appLink('https://app.example.com/auth?theme=dark', 'reset-password', 'a-b_c'));
  expect(link.href).toBe('https://app.example.com/auth?theme=dark#reset-password=a-b_c');
  expect([link.search, link.hash]).toEqual(['?theme=dark', '#reset-password=a-b_c']);
  expect(appLink('https://a.test', 'verify-email', '&x=1#"')).toBe('https://a.test#verify-email=%26x%3D1%23%22');
});
