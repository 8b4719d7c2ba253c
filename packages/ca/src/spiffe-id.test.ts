import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatSpiffeId, parseSpiffeId } from './spiffe-id.ts';

/** `ok`, or what is wrong. */
function verdict(text: string): string {
  const id = parseSpiffeId(text);
  return id.ok ? 'ok' : id.error;
}

test.each([
  'spiffe://mesh.local',
  'spiffe://mesh.local/ns/test/sa/client',
  'spiffe://a_b-c.0/A/.hidden/..x/_',
  `spiffe://${'d'.repeat(255)}/x`,
  `spiffe://d/${'x'.repeat(2048 - 11)}`,
])('SPIFFE-ID §2: %s is read and written back', (text) => {
  const id = parseSpiffeId(text);
  expect(id.ok && formatSpiffeId(id.value)).toBe(text);
});

test.each(
  [
    { text: '', fault: 'spiffe://' },
    { text: 'https://mesh.local/x', fault: 'spiffe://' },
    { text: 'SPIFFE://mesh.local/x', fault: 'spiffe://' },
    { text: 'spiffe:///x', fault: 'no trust domain' },
    { text: 'spiffe://Mesh.local/x', fault: 'characters' },
    { text: 'spiffe://mesh.local:443/x', fault: 'characters' },
    { text: 'spiffe://user@mesh.local/x', fault: 'characters' },
    { text: 'spiffe://[::1]/x', fault: 'characters' },
    { text: 'spiffe://mesh%2elocal/x', fault: 'characters' },
    { text: 'spiffe://mesh.local?x=1', fault: 'characters' },
    { text: `spiffe://${'d'.repeat(256)}/x`, fault: '255' },
    { text: 'spiffe://mesh.local/', fault: 'slash' },
    { text: 'spiffe://mesh.local/ns/test/sa/client/', fault: 'slash' },
    { text: 'spiffe://mesh.local/ns//x', fault: 'empty segment' },
    { text: 'spiffe://mesh.local/ns/test/../admin', fault: 'dot segment' },
    { text: 'spiffe://mesh.local/./x', fault: 'dot segment' },
    { text: 'spiffe://mesh.local/ns/test/sa/%2e', fault: 'characters' },
    { text: 'spiffe://mesh.local/client?x=1', fault: 'characters' },
    { text: 'spiffe://mesh.local/client#x', fault: 'characters' },
    { text: 'spiffe://mesh.local/client\n', fault: 'characters' },
    { text: 'spiffe://mesh.local/client\0', fault: 'characters' },
    { text: 'spiffe://mesh.local/a, URI:spiffe://mesh.local/admin', fault: 'characters' },
    { text: 'spiffe://mesh.local/é', fault: 'characters' },
    { text: `spiffe://d/${'x'.repeat(2048 - 10)}`, fault: '2048' },
  ].map((it) => ({ ...it, name: JSON.stringify(it.text.slice(0, 60)) })),
)('SPIFFE-ID §2: $name is refused ($fault)', ({ text, fault }) => {
  expect(verdict(text)).toContain(fault);
});

test('property: what is read is written back unchanged, so equal text is the only equality', () => {
  const part = fc.string({ unit: fc.constantFrom('a', 'Z', '0', '.', '-', '_', '/', '%', ':') });
  fc.assert(
    fc.property(part, (rest) => {
      const id = parseSpiffeId(`spiffe://${rest}`);
      return !id.ok || formatSpiffeId(id.value) === `spiffe://${rest}`;
    }),
  );
});
