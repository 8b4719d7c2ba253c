import { seededRng } from '@leno/std';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  childContext,
  formatTraceparent,
  isSampled,
  isTraceparent,
  parseTraceparent,
  rootContext,
} from './trace-context.ts';
import { IdSource, isRequestId } from './trace-ids.ts';
import { formatTracestate, parseTracestate, withTracestate } from './trace-state.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const spanId = '00f067aa0ba902b7';
const good = `00-${traceId}-${spanId}-01`;

function randomIds(seed = 1): IdSource {
  const rng = seededRng(seed);
  return new IdSource((bytes) => {
    for (let index = 0; index < bytes.length; index += 1) bytes[index] = Math.floor(rng() * 256);
  });
}

/** Parses the text and its bytes, which must agree. */
function parse(text: string) {
  const fromText = parseTraceparent(text);
  expect(parseTraceparent(Buffer.from(text, 'latin1'))).toEqual(fromText);
  expect(isTraceparent(text)).toBe(fromText !== undefined);
  return fromText;
}

test.each([
  { name: 'version 00', text: good, flags: 1 },
  { name: 'not sampled', text: good.replace(/01$/, '00'), flags: 0 },
  { name: 'unknown flags', text: good.replace(/01$/, 'ff'), flags: 255 },
  { name: 'a later version', text: good.replace(/^00/, '01'), flags: 1 },
  { name: 'a later version that goes on', text: `${good.replace(/^00/, 'fe')}-more`, flags: 1 },
])('W3C §3.2: takes $name', ({ text, flags }) => {
  expect(parse(text)).toEqual({ traceId, spanId, flags });
});

test.each([
  { name: 'upper case', text: good.replace('4bf9', '4BF9') },
  { name: 'a trace id of zeros', text: good.replace(traceId, '0'.repeat(32)) },
  { name: 'a span id of zeros', text: good.replace(spanId, '0'.repeat(16)) },
  { name: 'version ff', text: good.replace(/^00/, 'ff') },
  { name: 'version 00 that goes on', text: `${good}-more` },
  { name: 'a later version that goes on without a dash', text: `${good.replace(/^00/, '01')}.` },
  { name: 'a digit too few', text: good.slice(0, -1) },
  { name: 'other separators', text: good.replaceAll('-', '_') },
  { name: 'a letter beyond f', text: good.replace('4bf9', '4bg9') },
  { name: 'blanks around', text: ` ${good}` },
  { name: 'nothing', text: '' },
])('W3C §3.2: refuses $name', ({ text }) => {
  expect(parse(text)).toBeUndefined();
});

test('property: what is written is read back, and children stay in their trace', () => {
  fc.assert(
    fc.property(fc.integer(), fc.boolean(), (seed, sampled) => {
      const ids = randomIds(seed);
      const root = rootContext(ids, sampled);
      const child = childContext(root, ids);
      expect(parse(formatTraceparent(root))).toEqual(root);
      expect(parse(formatTraceparent(child))).toEqual({ ...root, spanId: child.spanId });
      expect(child.spanId).not.toBe(root.spanId);
      expect(isSampled(child)).toBe(sampled);
    }),
  );
});

test('a child passes on only the flags whose meaning is known', () => {
  const child = childContext({ traceId, spanId, flags: 0xfd }, randomIds());
  expect(formatTraceparent(child).slice(-2)).toBe('01');
});

test('ids are drawn a block at a time, are never all zero, and a request id is a UUID v4', () => {
  let fillCount = 0;
  const ids = new IdSource((bytes) => {
    fillCount += 1;
    bytes.fill(fillCount === 1 ? 0 : 0xff);
  }, 64);
  expect(ids.traceId()).toBe('f'.repeat(32));
  expect(fillCount).toBe(2);
  expect(ids.spanId()).toBe('f'.repeat(16));
  expect(fillCount).toBe(2);
  const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  expect(randomIds().requestId()).toMatch(uuid);
  const source = randomIds();
  expect(new Set(Array.from({ length: 2_000 }, () => source.requestId())).size).toBe(2_000);
});

test.each([
  { id: 'f3a9-17.b_c~d+e/f=g:h@i', kept: true },
  { id: 'a'.repeat(128), kept: true },
  { id: 'a'.repeat(129), kept: false },
  { id: '', kept: false },
  { id: 'a b', kept: false },
  { id: 'a\nb', kept: false },
  { id: 'a\n', kept: false },
  { id: '"><script>', kept: false },
])('x-request-id $id kept: $kept', ({ id, kept }) => {
  expect(isRequestId(id)).toBe(kept);
});

test.each([
  { text: 'a=1,b=2', keys: ['a', 'b'] },
  { text: ' a=1 ,, t@v=x y ', keys: ['a', 't@v'] },
  { text: '', keys: [] },
  { text: 'a=1,a=2', keys: undefined },
  { text: 'A=1', keys: undefined },
  { text: 'a', keys: undefined },
  { text: 'a=', keys: undefined },
  { text: 'a=1=2', keys: undefined },
  { text: 'a=é', keys: undefined },
  { text: Array.from({ length: 32 }, (_, i) => `k${i}=1`).join(), keys: 32 },
  { text: Array.from({ length: 33 }, (_, i) => `k${i}=1`).join(), keys: undefined },
])('W3C §3.3: tracestate $text', ({ text, keys }) => {
  const found = parseTracestate(text)?.map((it) => it.key);
  if (typeof keys === 'number') expect(found).toHaveLength(keys);
  else expect(found).toEqual(keys);
});

test('W3C §3.3.1.5: a member that is set comes first, and the 33rd leaves', () => {
  const full = parseTracestate(Array.from({ length: 32 }, (_, i) => `k${i}=1`).join()) ?? [];
  const moved = withTracestate(full, { key: 'k9', value: '2' });
  expect(formatTracestate(moved)).toMatch(/^k9=2,k0=1,/);
  expect(moved).toHaveLength(32);
  const added = withTracestate(full, { key: 'leno', value: 'x' });
  expect(added).toHaveLength(32);
  expect(formatTracestate(added)).not.toContain('k31');
});
