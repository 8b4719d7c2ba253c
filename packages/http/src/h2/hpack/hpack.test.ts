import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { BAD_NAME, BAD_VALUE, UNDERSCORE } from '../field-kinds.ts';
import { H2ConnectionError } from '../h2-connection-error.ts';
import { HpackDecoder } from './decoder.ts';
import { HpackEncoder } from './encoder.ts';
import { FieldBlock } from './field-block.ts';
import { huffmanByteCount, huffmanDecode, huffmanEncode } from './huffman.ts';

type Pairs = readonly (readonly [string, string])[];
const bounds = { listByteCountMax: 64 * 1024, countMax: 200 };

function fieldsOf(block: FieldBlock): [string, string][] {
  const text = block.octets.toString('latin1', 0, block.length);
  return Array.from({ length: block.count }, (_, index) => {
    const [from = 0, to, valueFrom, valueTo] = block.spans.subarray(index * 4, index * 4 + 4);
    return [text.slice(from, to), text.slice(valueFrom, valueTo)];
  });
}

/** Decodes blocks, in hexadecimal, one after the other with one decoder. */
function decoding(tableByteCountMax = 4096, blockBounds = bounds) {
  const decoder = new HpackDecoder(tableByteCountMax);
  const block = new FieldBlock(blockBounds);
  return {
    decoder,
    block,
    read(hex: string): [string, string][] {
      const octets = Buffer.from(hex.replaceAll(' ', ''), 'hex');
      decoder.decode({ octets, start: 0, end: octets.length }, block);
      return fieldsOf(block);
    },
  };
}

function encode(encoder: HpackEncoder, pairs: Pairs): string {
  encoder.begin();
  for (const [name, value] of pairs) encoder.ownField(name, value);
  return encoder.octets.toString('hex', 0, encoder.length);
}

const GET: Pairs = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'www.example.com'],
];
const NO_CACHE: Pairs = [...GET, ['cache-control', 'no-cache']];
const CUSTOM: Pairs = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':path', '/index.html'],
  [':authority', 'www.example.com'],
  ['custom-key', 'custom-value'],
];
const DATE = 'Mon, 21 Oct 2013 20:13:21 GMT';
const REPLY: Pairs = [
  [':status', '302'],
  ['cache-control', 'private'],
  ['date', DATE],
  ['location', 'https://www.example.com'],
];
const REPLY_307: Pairs = [[':status', '307'], ...REPLY.slice(1)];
const REPLY_200: Pairs = [
  [':status', '200'],
  ['cache-control', 'private'],
  ['date', 'Mon, 21 Oct 2013 20:13:22 GMT'],
  ['location', 'https://www.example.com'],
  ['content-encoding', 'gzip'],
  ['set-cookie', 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'],
];

/** Blocks of one connection, what they give, and the octets of the dynamic table after each. */
const vectors: readonly {
  readonly name: string;
  readonly table?: number;
  readonly blocks: readonly (readonly [hex: string, pairs: Pairs, tableByteCount: number])[];
}[] = [
  {
    name: 'C.2.1: literal with indexing',
    blocks: [
      [
        '400a637573746f6d2d6b65790d637573746f6d2d686561646572',
        [['custom-key', 'custom-header']],
        55,
      ],
    ],
  },
  {
    name: 'C.2.2: literal without indexing',
    blocks: [['040c2f73616d706c652f70617468', [[':path', '/sample/path']], 0]],
  },
  {
    name: 'C.2.3: literal never indexed',
    blocks: [['100870617373776f726406736563726574', [['password', 'secret']], 0]],
  },
  { name: 'C.2.4: indexed', blocks: [['82', [[':method', 'GET']], 0]] },
  {
    name: 'C.3: requests without Huffman',
    blocks: [
      ['828684410f7777772e6578616d706c652e636f6d', GET, 57],
      ['828684be58086e6f2d6361636865', NO_CACHE, 110],
      ['828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565', CUSTOM, 164],
    ],
  },
  {
    name: 'C.4: requests with Huffman',
    blocks: [
      ['828684418cf1e3c2e5f23a6ba0ab90f4ff', GET, 57],
      ['828684be5886a8eb10649cbf', NO_CACHE, 110],
      ['828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf', CUSTOM, 164],
    ],
  },
  {
    name: 'C.5: replies without Huffman, with eviction',
    table: 256,
    blocks: [
      [
        '4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120' +
          '474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d',
        REPLY,
        222,
      ],
      ['4803333037c1c0bf', REPLY_307, 222],
      [
        '88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738' +
          '666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d33' +
          '3630303b2076657273696f6e3d31',
        REPLY_200,
        215,
      ],
    ],
  },
  {
    name: 'C.6: replies with Huffman, with eviction',
    table: 256,
    blocks: [
      [
        '488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad1718' +
          '63c78f0b97c8e9ae82ae43d3',
        REPLY,
        222,
      ],
      ['4883640effc1c0bf', REPLY_307, 222],
      [
        '88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7' +
          'b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
        REPLY_200,
        215,
      ],
    ],
  },
];

test.each(vectors)('RFC 7541 $name', ({ table, blocks }) => {
  const { decoder, read } = decoding(table);
  for (const [hex, pairs, tableByteCount] of blocks) {
    expect(read(hex)).toEqual(pairs);
    expect(decoder.tableByteCount).toBe(tableByteCount);
  }
});

/** What parts the tables of both sides, whatever comes after it. */
test.each([
  ['§2.3.3: index 0', '80'],
  ['§2.3.3: index beyond both tables', 'be'],
  ['§2.3.3: index of a name beyond both tables', '7f00 0161'],
  ['§5.1: integer that does not end', 'ff'],
  ['§5.1: integer that goes on after five octets', 'ff8080808080 00'],
  ['§5.1: length far beyond the block', '00 7f ffffff7f 61'],
  ['§5.2: string longer than the block', '00 05 6161'],
  ['§5.2: name without a value', '00 01 61'],
  ['§5.2: nothing after the prefix', '00'],
  ['§5.2: EOS in a string', '00 84 ffffffff 00'],
  ['§5.2: padding longer than seven bits', '00 82 1fff 00'],
  ['§5.2: padding of zeros', '00 81 18 00'],
  ['§4.2: size update after a field', '82 20'],
  ['§6.3: size update beyond what was allowed', '3fe21f 82'],
])('RFC 7541 %s is an error', (_, hex) => {
  const { read } = decoding();
  expect(() => read(hex)).toThrow(H2ConnectionError);
  expect(() => decoding().read(hex)).toThrow(/^HPACK: /);
});

test.each([
  ['zeros that lengthen an integer', 'ff8000', []],
  ['a size update of the whole table', '3fe11f 82', [[':method', 'GET']]],
  ['two size updates', '20 3fe11f 82', [[':method', 'GET']]],
  ['an empty string that is Huffman coded', '00 81 1f 80', [['a', '']]],
  ['an empty block', '', []],
])('takes %s', (_, hex, pairs) => {
  // The first case names index 127, which is there after 66 insertions.
  const { read } = decoding();
  for (let index = 0; index < 66; index += 1) read('4001610162');
  if (pairs.length === 0 && hex !== '') expect(read(hex)).toEqual([['a', 'b']]);
  else expect(read(hex)).toEqual(pairs);
});

test('RFC 7541 §4.4: an entry larger than the table empties it, and is given nevertheless', () => {
  const { decoder, read } = decoding(64);
  read('4001610162');
  expect(decoder.tableByteCount).toBe(34);
  const value = 'c'.repeat(40);
  expect(read(`40016128${Buffer.from(value).toString('hex')}`)).toEqual([['a', value]]);
  expect(decoder.tableByteCount).toBe(0);
});

test('a table that is moved to the front of its octets still has what it had', () => {
  const { read } = decoding(128);
  for (let index = 0; index < 500; index += 1) {
    const value = Buffer.from(`v${index}`.padEnd(5 + (index % 20), '.'));
    read(`400161${value.length.toString(16).padStart(2, '0')}${value.toString('hex')}`);
    expect(read('be')).toEqual([['a', value.toString()]]);
  }
});

describe('bounds of a block', () => {
  test('fields beyond countMax are forgotten, yet enter the table', () => {
    const { block, read } = decoding(4096, { ...bounds, countMax: 3 });
    expect(read('82 82 82')).toHaveLength(3);
    expect(block.isTooLarge).toBe(false);
    read('82 82 82 4001610162');
    expect(block.isTooLarge).toBe(true);
    expect(read('be')).toEqual([['a', 'b']]);
    expect(block.isTooLarge).toBe(false);
  });

  test('2-27: a bomb of references costs no memory', () => {
    const { block, read } = decoding();
    const value = '61'.repeat(4000);
    read(`400162 7fa11e ${value} ${'be'.repeat(3000)}`);
    expect(block.isTooLarge).toBe(true);
    expect(block.listByteCount).toBe(3001 * 4033);
    expect(block.octets.length).toBeLessThanOrEqual(128 * 1024);
    expect(read('be')).toEqual([['b', 'a'.repeat(4000)]]);
  });
});

test.each([
  ['upper case in a name', [['A', 'b']], BAD_NAME],
  ['an underscore in a name', [['a_b', 'c']], UNDERSCORE],
  ['a blank in a name', [['a b', 'c']], BAD_NAME],
  ['an empty name', [['', 'c']], BAD_NAME],
  ['a line end in a value', [['a', 'b\r\nc: d']], BAD_VALUE],
  ['a zero in a value', [['a', 'b\0']], BAD_VALUE],
  ['a blank before a value', [['a', ' b']], BAD_VALUE],
  ['a tab behind a value', [['a', 'b\t']], BAD_VALUE],
  [
    'nothing',
    [
      ['a', 'b\tc é'],
      ['b', ''],
    ],
    0,
  ],
] as const)('RFC 9113 §8.2.1: finds %s, and again when the table gives it', (_, pairs, flaw) => {
  const { block, read } = decoding();
  const literal = pairs.map(([name, value]) => {
    const hex = (text: string) =>
      text.length.toString(16).padStart(2, '0') + Buffer.from(text, 'latin1').toString('hex');
    return `40${hex(name)}${hex(value)}`;
  });
  read(literal.join(''));
  expect((block.kinds[0] as number) & (UNDERSCORE | BAD_NAME | BAD_VALUE)).toBe(flaw);
  read('be');
  expect((block.kinds[0] as number) & (UNDERSCORE | BAD_NAME | BAD_VALUE)).toBe(flaw);
});

describe('the encoder', () => {
  test('indexes a pair that is repeated, and finds what is there already', () => {
    const encoder = new HpackEncoder();
    const pairs: Pairs = [
      [':method', 'GET'],
      ['x-a', 'b'],
      ['accept', 'c'],
    ];
    expect(encode(encoder, pairs)).toBe('82 00 03782d61 0162 0f04 0163'.replaceAll(' ', ''));
    expect(encode(encoder, pairs)).toBe('82 40 03782d61 0162 53 0163'.replaceAll(' ', ''));
    expect(encode(encoder, pairs)).toBe('82bfbe');
    expect(encode(encoder, [['x-a', 'other']])).toBe('0f30056f74686572');
  });

  test.each([
    ['authorization', 'Bearer 0123456789012345'],
    ['proxy-authorization', 'Basic 0123456789012345'],
    ['set-cookie', 'session=0123456789012345'],
    ['x-api-key', '0123456789012345'],
    ['cookie', 'short=1'],
  ])('never indexes %s: %s', (name, value) => {
    const encoder = new HpackEncoder();
    for (let round = 0; round < 4; round += 1) {
      const first = Number.parseInt(encode(encoder, [[name, value]]).slice(0, 2), 16);
      expect(first & 0xf0).toBe(0x10);
    }
    expect(encoder.tableByteCount).toBe(0);
  });

  test('leaves out what only the codec may write, however it is written', () => {
    const encoder = new HpackEncoder();
    encoder.begin();
    for (const name of ['Connection', 'host', 'keep-alive', 'Transfer-Encoding', 'upgrade']) {
      encoder.field(name, 'x');
    }
    expect(encoder).toHaveLength(0);
    encoder.field('X-Two', 'y');
    const { read } = decoding();
    expect(read(encoder.octets.toString('hex', 0, encoder.length))).toEqual([['x-two', 'y']]);
  });

  test('RFC 7541 §4.2: tells the smallest and the last size of its table', () => {
    const encoder = new HpackEncoder();
    for (let round = 0; round < 2; round += 1) encode(encoder, [['x-a', 'b']]);
    expect(encoder.tableByteCount).toBe(36);
    encoder.setTableByteCountMax(0);
    encoder.setTableByteCountMax(1000);
    expect(encoder.tableByteCount).toBe(0);
    expect(encode(encoder, [[':method', 'GET']])).toBe('203fc90782');
    expect(encode(encoder, [[':method', 'GET']])).toBe('82');
    encoder.setTableByteCountMax(1_000_000); // More than we would use.
    expect(encode(encoder, [])).toBe('3fe11f');
  });

  test('its memory is bounded, and what it forgets does no harm', () => {
    const encoder = new HpackEncoder();
    const { decoder, read } = decoding();
    for (let index = 0; index < 2000; index += 1) {
      // Twice in a row, so that it enters the table and pushes others out.
      const pairs: Pairs = [
        [`x-${index % 700}`, `value ${index % 3}`],
        [`x-${index % 700}`, `value ${index % 3}`],
        ['x-same', 'same'],
      ];
      expect(read(encode(encoder, pairs))).toEqual(pairs);
      expect(encoder.tableByteCount).toBeLessThanOrEqual(4096);
      expect(decoder.tableByteCount).toBe(encoder.tableByteCount);
    }
  });
});

const names = fc.oneof(
  fc.constantFrom(':path', ':status', 'accept', 'cookie', 'authorization', 'x-a', 'x-b', 'date'),
  fc.stringMatching(/^[a-z0-9-]{1,20}$/),
);
const latin1 = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((octet) => String.fromCharCode(octet)),
});
const values = fc.oneof(fc.constantFrom('', '/', 'gzip, deflate', '200', 'same'), latin1);
const heads = fc.array(fc.array(fc.tuple(names, values), { maxLength: 12 }), { maxLength: 12 });

it('property: decoding gives what was encoded, block after block', () => {
  const sizes = fc.constantFrom(0, 100, 4096);
  fc.assert(
    fc.property(heads, fc.boolean(), sizes, (blocks, huffman, allowed) => {
      const encoder = new HpackEncoder({ huffman });
      encoder.setTableByteCountMax(allowed);
      const { decoder, read } = decoding();
      for (const pairs of blocks) {
        expect(read(encode(encoder, pairs))).toEqual(pairs);
        expect(decoder.tableByteCount).toBe(encoder.tableByteCount);
      }
    }),
  );
});

it('property: Huffman decoding gives what was encoded', () => {
  fc.assert(
    fc.property(latin1, (text) => {
      const coded = Buffer.alloc(huffmanByteCount(text));
      expect(huffmanEncode(text, coded, 0)).toBe(coded.length);
      const target = Buffer.alloc(coded.length * 2);
      const end = huffmanDecode({ octets: coded, start: 0, end: coded.length }, target, 0);
      expect(target.toString('latin1', 0, end)).toBe(text);
    }),
  );
});

it('property: no block throws anything but the one error, nor grows memory', () => {
  const blocks = fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 10 });
  fc.assert(
    fc.property(blocks, (all) => {
      const { block, decoder, read } = decoding(256, { listByteCountMax: 500, countMax: 10 });
      for (const octets of all) {
        try {
          read(Buffer.from(octets).toString('hex'));
        } catch (thrown) {
          if (!(thrown instanceof H2ConnectionError)) throw thrown;
        }
        expect(decoder.tableByteCount).toBeLessThanOrEqual(256);
        expect(block.octets.length).toBeLessThan(8192);
      }
    }),
    { numRuns: 500 },
  );
});
