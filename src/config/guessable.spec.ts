import { randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isGuessable } from './guessable.js';

describe('a secret', () => {
  it.each([
    'a'.repeat(64),
    '01234567890123456789012345678901',
    'abcdefghijklmnopqrstuvwxyz0123456789',
    'zyxwvutsrqponmlkjihgfedcba9876543210',
    'qwertyuiopasdfghjklzxcvbnm1234567890',
    'deadbeefdeadbeefdeadbeefdeadbeef',
    'hunter2-hunter2-hunter2-hunter2-hunter2-',
    '0000000000000000000000000000000000000001',
    'change-me-change-me-change-me-change-me',
    'Change_Me.before you deploy this to anywhere at all',
    'a-long-example-of-a-secret-that-nobody-would-ever-try',
    'your-256-bit-secret-your-256-bit-secret',
    'MyCompanyAuthProductionServer2026',
    'correcthorsebatterystaplemountain',
    'a-string-secret-at-least-256-bits-long',
    'To be, or not to be, that is the question',
    'The quick brown fox jumps over the lazy dog',
    'it-was-the-best-of-times-it-was-the-worst-of-times',
    'MySuperSecureProductionKey2024ForAuth',
    'MyAppNameJwtSigningKeyProduction2025!',
    'this_is_my_production_jwt_key_do_not_share',
    'TODO: set a real value here before go-live',
    'thirty-two bytes and not one more',
    '1a2b3c4d5e6f7g8h9i0j1k2l3m4n5o6p',
    'q1w2e3r4t5y6u7i8o9p0q1w2e3r4t5y6',
    '1qaz2wsx3edc4rfv5tgb6yhn7ujm1qaz',
    '00112233445566778899aabbccddeeff',
    '000102030405060708091011121314151617',
  ])('is guessable: %s', (secret) => {
    expect(isGuessable(secret)).toBe(true);
  });

  it.each<[string, () => string]>([
    ['openssl rand -hex 16', () => randomBytes(16).toString('hex')],
    ['openssl rand -hex 32', () => randomBytes(32).toString('hex')],
    ['openssl rand -base64 48', () => randomBytes(48).toString('base64')],
    ['base64url of 48 bytes', () => randomBytes(48).toString('base64url')],
    ['uuidgen', () => randomUUID()],
    ['a name before random digits', () => `latchkey-default-${randomBytes(32).toString('hex')}`],
  ])('is not guessable when it is generated: %s', (_, generate) => {
    const refused = Array.from({ length: 500 }, generate).filter(isGuessable);
    expect(refused).toEqual([]);
  });

  it('may be a passphrase of eight random words', () => {
    expect(isGuessable('vivid crumb mutable kebab stoneware unlatch gander throwing')).toBe(false);
  });
});
