import { describe, expect, it } from 'vitest';
import { readSolutionHeader } from './solution-header.js';

const PAYLOAD = {
  challenge: { parameters: { nonce: '00' }, signature: 'ab' },
  solution: { counter: 1, derivedKey: 'cd', time: 5 },
};
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64');

describe('readSolutionHeader', () => {
  it('reads the parts of a payload, and no others', () => {
    const { challenge, solution } = PAYLOAD;
    const expected = { challenge, solution: { counter: 1, derivedKey: 'cd' } };
    expect(readSolutionHeader(encode(PAYLOAD))).toEqual(expected);
    expect(readSolutionHeader(encode({ ...PAYLOAD, more: 1, challenge: { ...challenge, codeChallenge: {} } }))).toEqual(
      expected,
    );
    expect(solution.time).toBe(5);
  });

  it.each<[what: string, header: unknown]>([
    ['nothing', undefined],
    ['a list of headers', [encode(PAYLOAD)]],
    ['an empty text', ''],
    ['no base64', '{"challenge":{}}'],
    ['two headers', `${encode(PAYLOAD)}, ${encode(PAYLOAD)}`],
    ['no JSON', Buffer.from('{').toString('base64')],
    ['bytes that are no text', Buffer.from([0xff, 0xfe, 0]).toString('base64')],
    ['too long a text', encode({ ...PAYLOAD, more: 'x'.repeat(2000) })],
    ...[null, 1, 'text', [], {}, { challenge: null }, { ...PAYLOAD, solution: undefined }].map(
      (value): [string, string] => [`the JSON ${JSON.stringify(value)}`, encode(value)],
    ),
    ...[['a'.repeat(64)], 1, null, {}].map((signature): [string, string] => [
      `the signature ${JSON.stringify(signature)}`,
      encode({ ...PAYLOAD, challenge: { parameters: {}, signature } }),
    ]),
    ...[
      { counter: '1', derivedKey: 'cd' },
      { counter: 1, derivedKey: ['cd'] },
    ].map((solution): [string, string] => [
      `the solution ${JSON.stringify(solution)}`,
      encode({ ...PAYLOAD, solution }),
    ]),
  ])('reads null from %s', (_, header) => {
    expect(readSolutionHeader(header)).toBeNull();
  });
});
