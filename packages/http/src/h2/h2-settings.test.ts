/** Settings that change while a connection is in use (RFC 9113 §6.5.3, RFC 7541 §4.2). */
import { expect, test } from 'vitest';
import { FieldList } from '../fields.ts';
import { openClient, openServer } from '../testing/h2-bed.ts';
import { GET, headers, settings, windowUpdate } from '../testing/h2-wire.ts';

const HEADER_TABLE_SIZE = 1;
const INITIAL_WINDOW_SIZE = 4;
const bytes = (text: string) => Buffer.from(text, 'latin1');
const kept = FieldList.of([['x-kept', 'a value that is worth an entry']]);

/** First octet of the header block that was written last, and all frames. */
function headOf(bed: { port: { octets: Buffer }; out(): string[] }, flush: () => void) {
  flush();
  const { octets } = bed.port;
  let first = -1;
  for (let at = 0; at < octets.length; at += 9 + octets.readUIntBE(at, 3)) {
    if (octets[at + 3] === 1) first = octets[at + 9] ?? -1;
  }
  return { first, frames: bed.out() };
}

const ends = [
  {
    name: 'a server',
    open() {
      const bed = openServer();
      let streamId = -1;
      const say = (): void => {
        streamId += 2;
        bed.send(headers(streamId, GET));
        const { stream } = bed.requests.at(-1) ?? expect.fail();
        stream.respond({ status: 200, fields: kept, contentLength: undefined }, false);
      };
      return { bed, say, flush: () => bed.server.flush() };
    },
  },
  {
    name: 'a client',
    open() {
      const bed = openClient();
      const say = (): void => void bed.request({ fields: kept });
      return { bed, say, flush: () => bed.client.flush() };
    },
  },
];

test.each(ends)('$name gives up its table of header fields, and fills it again', ({ open }) => {
  const { bed, say, flush } = open();
  const value = 'a value that is worth an entry';
  say();
  say();
  const before = headOf(bed, flush);
  bed.send(settings([HEADER_TABLE_SIZE, 0]));
  say();
  const without = headOf(bed, flush);
  // RFC 7541 §6.3: an update to 0 comes before the first field.
  expect(before.first & 0xe0).not.toBe(0x20);
  expect(without.first).toBe(0x20);
  expect(without.frames.at(-1)).toContain(value);
  bed.send(settings([HEADER_TABLE_SIZE, 4_096]));
  say();
  const again = headOf(bed, flush);
  expect(again.first & 0xe0).toBe(0x20);
  expect(again.frames.at(-1)).toContain(value);
});

test('a client sends within the window that its server sets meanwhile, below zero too', () => {
  const bed = openClient();
  bed.send(settings([INITIAL_WINDOW_SIZE, 5]));
  const { stream } = bed.request({ method: 'POST', contentLength: undefined });
  stream.write(bytes('hello world'));
  expect(bed.out().at(-1)).toBe('DATA 1 hello');
  bed.send(settings([INITIAL_WINDOW_SIZE, 2]), windowUpdate(1, 3));
  expect(bed.out()).toEqual(['SETTINGS 0 ACK']);
  bed.send(settings([INITIAL_WINDOW_SIZE, 6]));
  expect(bed.out()).toEqual(['SETTINGS 0 ACK', 'DATA 1  wor']);
});
