import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FieldError } from './field-error.ts';
import { FieldList } from './fields.ts';
import { messageLimits } from './limits.ts';
import { RequestParser } from './request-parser.ts';

function parsed(lines: string): FieldList {
  const parser = new RequestParser(messageLimits);
  parser.feed(Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n`, 'latin1'), 0);
  const request = parser.take();
  if (request === undefined) throw new Error(parser.refusal?.detail);
  return request.fields;
}

const made = {
  parsed: () => parsed('Accept: a\r\nX-One:1\r\naccept:   b  \r\nCookie: c=1\r\ncookie: d=2\r\n'),
  built: () =>
    FieldList.of([
      ['Accept', 'a'],
      ['X-One', '1'],
      ['accept', ' b '],
      ['Cookie', 'c=1'],
      ['cookie', 'd=2'],
    ]),
};

describe.each(Object.entries(made))('a list that was %s', (_, make) => {
  it('finds names without regard to case and joins lines', () => {
    const fields = make();
    expect(fields.get('accept')).toBe('a, b');
    expect(fields.get('X-ONE')).toBe('1');
    expect(fields.get('cookie')).toBe('c=1; d=2');
    expect(fields.get('x-on')).toBeUndefined();
    expect(fields.getAll('ACCEPT')).toEqual(['a', 'b']);
    expect([fields.has('cookie'), fields.has('host'), fields.count]).toEqual([true, false, 5]);
  });

  it('is written canonically', () => {
    expect(make().toWire()).toBe(
      'Accept: a\r\nX-One: 1\r\naccept: b\r\nCookie: c=1\r\ncookie: d=2\r\n',
    );
  });

  it('replaces, adds and removes', () => {
    const fields = make();
    fields.set('ACCEPT', 'c');
    fields.append('x-two', '2');
    fields.remove('Cookie');
    expect([...fields]).toEqual([
      ['X-One', '1'],
      ['ACCEPT', 'c'],
      ['x-two', '2'],
    ]);
    expect(fields.count).toBe(3);
    expect(fields.toWire()).toBe('X-One: 1\r\nACCEPT: c\r\nx-two: 2\r\n');
  });

  it('has clones of its own', () => {
    const fields = make();
    const copy = fields.clone();
    copy.remove('accept');
    copy.append('x-two', '2');
    expect([fields.get('accept'), fields.has('x-two'), copy.count]).toEqual(['a, b', false, 4]);
  });
});

it.each([
  ['', 'v', 'its name is no token'],
  ['a b', 'v', 'its name is no token'],
  ['a:', 'v', 'its name is no token'],
  ['a', 'v\r\nx: y', 'control character'],
  ['a', 'v\0', 'control character'],
  ['a', 'caf\u{1F600}', 'beyond U+00FF'],
])('refuses to add %j: %j', (name, value, problem) => {
  const fields = new FieldList();
  for (const edit of [() => fields.set(name, value), () => fields.append(name, value)]) {
    expect(edit).toThrow(FieldError);
    expect(edit).toThrow(problem);
  }
  expect(fields.count).toBe(0);
});

it('never writes what only the codec may say', () => {
  const names = [
    'Host',
    'Content-Length',
    'transfer-encoding',
    'Connection',
    'Keep-Alive',
    'Upgrade',
  ];
  const fields = FieldList.of(names.map((name) => [name, '1'] as const));
  fields.append('x', '1');
  expect(fields.toWire()).toBe('x: 1\r\n');
});

it('does as a list of pairs does, whatever is edited', () => {
  const name = fc.constantFrom('a', 'A', 'bb', 'Bb', 'x-c');
  const edit = fc.oneof(
    fc.tuple(fc.constant('set'), name, fc.constantFrom('1', '2')),
    fc.tuple(fc.constant('append'), name, fc.constantFrom('1', '2')),
    fc.tuple(fc.constant('remove'), name, fc.constant('')),
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(name, fc.constantFrom('1', '2'))),
      fc.array(edit),
      (first, edits) => {
        const fields = parsed(first.map(([key, value]) => `${key}: ${value}\r\n`).join(''));
        let model: (readonly [string, string])[] = first;
        for (const [what, key, value] of edits) {
          const others = model.filter(([own]) => own.toLowerCase() !== key.toLowerCase());
          if (what === 'append') model = [...model, [key, value]];
          else model = what === 'set' ? [...others, [key, value]] : others;
          if (what === 'append') fields.append(key, value);
          else if (what === 'set') fields.set(key, value);
          else fields.remove(key);
        }
        expect([...fields]).toEqual(model);
        expect(fields.count).toBe(model.length);
        expect(fields.toWire()).toBe(model.map(([key, value]) => `${key}: ${value}\r\n`).join(''));
      },
    ),
  );
});
