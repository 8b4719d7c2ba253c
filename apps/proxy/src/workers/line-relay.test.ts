import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineRelay } from './line-relay.ts';

/** What a relay has written of these chunks, and at its end. */
function relayed(chunks: readonly string[]) {
  const written: string[] = [];
  const relay = new LineRelay((lines) => written.push(lines.toString('utf8')));
  for (const chunk of chunks) relay.push(Buffer.from(chunk));
  relay.end();
  return written;
}

test('property: whole lines and nothing else, whatever the pieces they come in', () => {
  const chunk = fc.string({ unit: fc.constantFrom('a', 'é', '\n'), maxLength: 6 });
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 20 }), (chunks) => {
      const written = relayed(chunks);
      const text = chunks.join('');
      expect(written.every((lines) => lines.endsWith('\n'))).toBe(true);
      expect(written.join('')).toBe(text === '' || text.endsWith('\n') ? text : `${text}\n`);
    }),
  );
});

test('a line that never ends is passed on in pieces', () => {
  const piece = 'x'.repeat(600_000);
  const written = relayed([piece, piece, piece]);
  expect(written.map(({ length }) => length)).toEqual([1_200_001, 600_001]);
});
