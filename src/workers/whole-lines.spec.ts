import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { wholeLines } from './whole-lines.js';

async function chunksOf(written: string[]): Promise<string[]> {
  const chunks: string[] = [];
  const lines = wholeLines().on('data', (chunk) => chunks.push(String(chunk)));
  for (const text of written) lines.write(text);
  lines.end();
  await once(lines, 'end');
  return chunks;
}

describe('wholeLines', () => {
  it('passes on chunks that end with a line', async () => {
    expect(await chunksOf(['a\nb\n', 'c\n'])).toEqual(['a\nb\n', 'c\n']);
  });

  it('keeps the beginning of a line until its end arrives', async () => {
    expect(await chunksOf(['a\nb', 'b', 'b\nc', '\n'])).toEqual(['a\n', 'bbb\n', 'c\n']);
  });

  it('ends a line that was cut off', async () => {
    expect(await chunksOf(['a\nb'])).toEqual(['a\n', 'b\n']);
  });
});
