import { describe, expect, it } from 'vitest';
import { loadConfig } from '../config/load-config.js';
import { startupLines } from './log-startup.js';

const APP_SECRET = 'kVrJ0bM7t2QyXn9sHc4LzDf6GpWa1ReU';
const URL_3000 = 'http://127.0.0.1:3000';
const linesOf = (env: Record<string, string>, url: string = URL_3000, hasDemo: boolean = true) =>
  startupLines(loadConfig({ APP_SECRET, ...env }), url, hasDemo);

describe('startupLines', () => {
  it('name the server, its database, Swagger UI, the demo and the mail', () => {
    expect(linesOf({})).toEqual([
      'Latchkey is running at http://127.0.0.1:3000 (SQLite: data/latchkey.sqlite)',
      'Swagger UI: http://127.0.0.1:3000/docs',
      'Demo: http://localhost:3000/demo (to watch tokens rotate within a minute: npm run demo)',
      'Mail: http://127.0.0.1:3000/dev/mail (to send it, set SMTP_URL)',
    ]);
  });

  it('name the demo where cookies work, also on another port', () => {
    const [, , demo] = linesOf({ PORT: '4000', ACCESS_TOKEN_TTL: '1m' }, 'http://127.0.0.1:4000');
    expect(demo).toBe('Demo: http://localhost:4000/demo');
    const [, , elsewhere] = linesOf({ ISSUER: 'https://auth.example.com', ACCESS_TOKEN_TTL: '1m' });
    expect(elsewhere).toBe(`Demo: ${URL_3000}/demo`);
  });

  it('name Swagger UI, demo and mail only when they are served, never a password', () => {
    const ISSUER = 'https://auth.example.com';
    const env = { NODE_ENV: 'production', ISSUER, DATABASE_URL: 'postgres://u:hunter2@db/x' };
    expect(linesOf(env)).toEqual([`Latchkey is running at ${URL_3000} (PostgreSQL)`]);
    const sending = { SMTP_URL: 'smtps://u:hunter2@a.test', MAIL_FROM: 'a@a.test' };
    expect(linesOf({ SWAGGER: 'off', ...sending }, URL_3000, false)).toHaveLength(1);
  });
});
