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

test.each([
  { byteCount: 20_000, countMax: 64 },
  { byteCount: 131_072, countMax: 16 },
])('no more than $countMax blocks for $byteCount octets are kept', ({ byteCount, countMax }) => {
  const blocks = Array.from({ length: 100 }, () => takeBlock(byteCount));
  for (const block of blocks) returnBlock(block);
  const again = Array.from({ length: 100 }, () => takeBlock(byteCount));
  expect(again.filter((it) => blocks.includes(it))).toHaveLength(countMax);
});

test('a small block is small', () => {
  expect(takeBlock(16_384 + 9).length).toBeLessThan(32_768);
});
