import { expect, test } from 'vitest';
import { returnBlock, takeBlock } from './block-pool.ts';

test('a block that came back is given out again, to one at a time', () => {
  const one = takeBlock(1);
  const other = takeBlock(1);
  expect(other).not.toBe(one);
  returnBlock(one);
  expect(takeBlock(1)).toBe(one);
});

test.each([{ byteCount: 1 }, { byteCount: 131_072 }, { byteCount: 1_000_000 }])(
  'a block has room for $byteCount octets',
  ({ byteCount }) => {
    const block = takeBlock(byteCount);
    expect(block.length).toBeGreaterThanOrEqual(byteCount);
    returnBlock(block);
    expect(takeBlock(1).length).toBeLessThan(1_000_000);
  },
);

test('no more than sixteen are kept', () => {
  const blocks = Array.from({ length: 40 }, () => takeBlock(1));
  for (const block of blocks) returnBlock(block);
  const again = Array.from({ length: 40 }, () => takeBlock(1));
  expect(again.filter((it) => blocks.includes(it))).toHaveLength(16);
});
