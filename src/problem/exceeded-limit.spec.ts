import { describe, expect, it } from 'vitest';
import { limitHeaders, longestWait } from './exceeded-limit.js';

const address = { name: 'password-address', points: 50, windowMs: 600_000, retryAfterMs: 122_001 };
const network = { name: 'password-network', points: 250, windowMs: 600_000, retryAfterMs: 5 };

describe('the headers of a refusal', () => {
  it('are whole seconds and structured fields', () => {
    expect(limitHeaders([address])).toEqual({
      'retry-after': '123',
      ratelimit: '"password-address";r=0;t=123',
      'ratelimit-policy': '"password-address";q=50;w=600',
    });
  });

  it('name every limit that fired, and the longest wait', () => {
    expect(longestWait([network, address])).toBe(address);
    expect(limitHeaders([network, address])).toEqual({
      'retry-after': '123',
      ratelimit: '"password-network";r=0;t=1, "password-address";r=0;t=123',
      'ratelimit-policy': '"password-network";q=250;w=600, "password-address";q=50;w=600',
    });
  });

  it('never say zero seconds', () => {
    expect(limitHeaders([{ ...address, retryAfterMs: 0 }])['retry-after']).toBe('1');
  });
});
