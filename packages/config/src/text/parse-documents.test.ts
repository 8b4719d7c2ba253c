import { expect, test } from 'vitest';
import { findingText } from '../findings/finding.ts';
import { documentCountMax, parseDocuments, textLengthMax } from './parse-documents.ts';

/** What a text comes to: `LN#### line:column` of each finding, then the number of documents. */
function read(text: string): string {
  const { documents, findings } = parseDocuments(text, 'a.yaml');
  const codes = findings.map(({ code, line, column }) => `${code} ${line}:${column}`);
  return [...codes, `${documents.length} documents`].join(', ');
}

test.each([
  {
    name: 'documents, and nothing between them',
    text: 'a: 1\n---\n\n---\n# no\n---\nb: 1\n',
    is: '2 documents',
  },
  {
    name: 'JSON, with tabs',
    text: '{\n\t"kind": "Service",\n\t"spec": {"ports": [1, 2]}\n}',
    is: '1 documents',
  },
  { name: 'an empty text', text: '', is: '0 documents' },
  { name: 'a slip, once', text: 'a: 1\nb: {c\n', is: 'LN0001 3:1, 0 documents' },
  {
    name: 'a slip leaves the other documents',
    text: "a: 'x' y\n---\nb: 1\n",
    is: 'LN0001 1:8, 1 documents',
  },
  { name: 'a field twice', text: 'a: 1\nb: 2\na: 3\n', is: 'LN0003 3:1, 0 documents' },
  { name: 'a list', text: '\n- 1\n', is: 'LN0002 2:1, 0 documents' },
  { name: 'a word', text: 'hello', is: 'LN0002 1:1, 0 documents' },
  { name: 'a tag that nobody knows', text: 'a: !secret x\n', is: 'LN0001 1:4, 0 documents' },
  { name: 'an alias of nothing', text: 'a: *b\n', is: 'LN0001 1:1, 0 documents' },
])('reads $name', ({ text, is }) => {
  expect(read(text)).toBe(is);
});

test.each([
  { name: 'length', text: `a: ${'x'.repeat(textLengthMax)}` },
  { name: 'documents', text: 'a: 1\n---\n'.repeat(documentCountMax + 1) },
  { name: 'nesting', text: '['.repeat(10_000) },
  { name: 'aliases', text: bomb() },
])('bound: $name', ({ text }) => {
  const { documents, findings } = parseDocuments(text, 'a.yaml');
  expect(documents).toEqual([]);
  expect(findings[0]?.code).toBe('LN0005');
  expect(findings.length).toBeLessThan(10);
});
function bomb(): string {
  const line = (name: string, of: string) =>
    `${name}: &${name} [${Array(10).fill(of).join(',')}]\n`;
  return line('a', 'x') + line('b', '*a') + line('c', '*b') + line('d', '*c');
}

test('a value stands where its place says, also behind an alias', () => {
  const text = 'a: &x\n  b:\n    - 1\n    - c: 2\nd: *x\n';
  const [document] = parseDocuments(text, 'f.yaml').documents;
  const place = (path: (string | number)[], atKey = false) => {
    const { line, column } = document?.placeOf({ path, atKey }) ?? {};
    return `${line}:${column}`;
  };
  expect(place(['a', 'b', 1, 'c'])).toBe('4:10');
  expect(place(['a', 'b', 1, 'c'], true)).toBe('4:7');
  expect(place(['d', 'b', 0])).toBe('3:7');
  expect(place(['a', 'b', 7, 'z'])).toBe('3:5');
});

test('the namespace of the caller goes where none is written', () => {
  const text = [
    'kind: Service\nmetadata: {name: a}',
    'kind: Service\nmetadata: {name: a, namespace: own}',
    'kind: MeshConfig\nmetadata: {name: a}',
  ].join('\n---\n');
  const { documents } = parseDocuments(text, 'a.yaml', { namespace: 'shop' });
  expect(documents.map(({ value }) => value['metadata'])).toEqual([
    { name: 'a', namespace: 'shop' },
    { name: 'a', namespace: 'own' },
    { name: 'a' },
  ]);
});
test('a finding is one line', () => {
  const [finding] = parseDocuments('a: 1\na: 2', 'mesh.yaml').findings;
  expect(finding && findingText(finding)).toBe(
    'mesh.yaml:2:1: LN0003 error: Map keys must be unique',
  );
});
