import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FieldList } from '../fields.ts';
import { openClient, RecordedStream, serverBed } from '../testing/h2-bed.ts';
import {
  block,
  continuation,
  dataFrame,
  END,
  frame,
  GET,
  headers,
  POST,
  PREFACE,
  ping,
  QueuePort,
  reset,
  settings,
  settingsAck,
  uint32,
  WHOLE,
  windowUpdate,
} from '../testing/h2-wire.ts';
import { H2Client } from './h2-client.ts';
import { h2LimitsOf, newH2Stats } from './h2-options.ts';
import { H2Server } from './h2-server.ts';
import type { H2Stream } from './h2-stream.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');
const noFields = new FieldList();

/** `octets` in pieces that end at `cuts`; each piece is overwritten after it was read. */
function feed(octets: Buffer, cuts: readonly number[], receive: (piece: Buffer) => void): void {
  let start = 0;
  for (const end of [...cuts.toSorted((a, b) => a - b), octets.length]) {
    const piece = Buffer.from(octets.subarray(start, end));
    receive(piece);
    piece.fill(0x78);
    start = Math.max(start, end);
  }
}

/** Everything a server can get, good and bad, one after the other. */
const story = Buffer.concat([
  PREFACE,
  settings([1, 100], [4, 100_000]),
  settingsAck,
  headers(1, [...GET, ['x-a', 'b']]),
  headers(3, POST, WHOLE),
  dataFrame(3, 'hello'),
  frame(0, 8, 3, '\x03abc...'),
  frame(0x55, 1, 9, 'unknown'),
  headers(3, [['x-sum', '1']]),
  frame(1, END | WHOLE | 0x28, 5, `\x05${uint32(0)}x${block(GET)}.....`),
  headers(7, GET.slice(0, 2), END),
  continuation(7, block(GET.slice(2, 3))),
  continuation(7, block(GET.slice(3)), WHOLE),
  headers(9, [...GET, ['A', 'b']]),
  headers(11, POST, WHOLE),
  reset(11, 8),
  windowUpdate(0, 100),
  ping(),
  dataFrame(1, 'too late'),
]);

function playStory(cuts: readonly number[]) {
  const bed = serverBed({}, (request) => {
    request.stream.readBody(request.body);
    if (request.stream.id === 1) return;
    request.stream.respond({ status: 200, fields: noFields, contentLength: 2 }, true);
    request.stream.write(bytes('ok'));
    request.stream.end();
  });
  feed(story, cuts, (piece) => bed.server.receive(piece, 0));
  const seen = bed.requests.map(({ request, log, body }) => {
    return [
      request.target,
      [...request.fields],
      log,
      body.text,
      body.endings,
      [...(body.trailers ?? [])],
    ];
  });
  return { seen, out: bed.out(), refusals: bed.refusals, stats: bed.stats };
}

test('property: any split of the input has the same effect', () => {
  const whole = playStory([]);
  expect(whole.out.slice(3)).toEqual([
    'HEADERS 3 :status: 200 | content-length: 2',
    'DATA 3 END ok',
    'HEADERS 5 :status: 200 | content-length: 2',
    'DATA 5 END ok',
    'HEADERS 7 :status: 200 | content-length: 2',
    'DATA 7 END ok',
    'RST_STREAM 9 1',
    'HEADERS 11 :status: 200 | content-length: 2',
    'DATA 11 END ok',
    'PING 0 ACK 12345678',
    'RST_STREAM 1 5',
  ]);
  expect(playStory(Array.from({ length: story.length }, (_, index) => index))).toEqual(whole);
  fc.assert(
    fc.property(fc.array(fc.nat(story.length), { maxLength: 30 }), (cuts) => {
      expect(playStory(cuts)).toEqual(whole);
    }),
  );
});

test('property: any split of a block into CONTINUATION has the same effect', () => {
  const pairs = [...GET, ['x-long', 'v'.repeat(300)], ['x-a', 'b']] as const;
  const octets = block(pairs);
  fc.assert(
    fc.property(fc.array(fc.nat(octets.length), { maxLength: 12 }), (cuts) => {
      const bed = serverBed();
      bed.send(PREFACE, settings());
      const ends = [...cuts.toSorted((a, b) => a - b), octets.length];
      ends.forEach((end, index) => {
        const payload = octets.slice(index === 0 ? 0 : ends[index - 1], end);
        const flags = (index === ends.length - 1 ? WHOLE : 0) | (index === 0 ? END : 0);
        bed.send(index === 0 ? frame(1, flags, 1, payload) : continuation(1, payload, flags));
      });
      expect([...(bed.requests[0]?.request.fields ?? [])]).toEqual(pairs.slice(4));
    }),
  );
});

/** Frames that may be right, and octets that are not. */
const anyFrame = fc.oneof(
  fc
    .tuple(fc.nat(11), fc.nat(255), fc.nat(9), fc.uint8Array({ maxLength: 40 }))
    .map(([type, flags, id, payload]) =>
      frame(type, flags, id, bytes(String.fromCharCode(...payload)).toString('latin1')),
    ),
  fc.nat(9).map((id) => headers(id, GET)),
  fc.nat(9).map((id) => headers(id, POST, WHOLE)),
  fc.tuple(fc.nat(9), fc.boolean()).map(([id, ends]) => dataFrame(id, 'data', ends ? END : 0)),
  fc.nat(9).map((id) => reset(id, 8)),
  fc.tuple(fc.nat(9), fc.nat(2 ** 31 - 1)).map(([id, by]) => windowUpdate(id, by)),
  fc.uint8Array({ maxLength: 30 }).map((octets) => Buffer.from(octets)),
);

test('property: no input throws, at a server or a client; what is closed is silent', () => {
  fc.assert(
    fc.property(fc.array(anyFrame, { maxLength: 40 }), fc.array(fc.nat(1_000)), (all, cuts) => {
      const server = serverBed();
      server.send(PREFACE, settings());
      const client = openClient();
      for (let index = 0; index < 3; index += 1)
        client.request({ method: 'POST', contentLength: undefined });
      const octets = Buffer.concat(all);
      const within = cuts.filter((cut) => cut < octets.length);
      feed(octets, within, (piece) => server.server.receive(piece, 0));
      feed(octets, within, (piece) => client.client.receive(piece, 0));
      for (const { server: end, port } of [server, { server: client.client, port: client.port }]) {
        end.flush();
        expect(port.hasEnded).toBe(end.isClosed);
        end.ended('over');
        expect([end.isClosed, end.streamCount]).toEqual([true, 0]);
      }
      for (const { body } of server.requests) expect(body.endings.length).toBeLessThanOrEqual(1);
    }),
    { numRuns: 300 },
  );
});

/** A client and a server that are joined by pieces of any length. */
function joined(chunkBytes: number) {
  const limits = h2LimitsOf({ connectionWindowByteCount: 70_000, earlyResetCountMax: 10_000 });
  const ports = { client: new QueuePort(), server: new QueuePort() };
  const stats = newH2Stats();
  const base = { limits, stats, nowMs: 0 };
  const served: { stream: H2Stream; text: string; ended: boolean }[] = [];
  const server = new H2Server(
    { ...base, port: ports.server },
    {
      onRefused: () => undefined,
      onRequest(stream) {
        const one = { stream, text: '', ended: false };
        served.push(one);
        // Echoes what comes, at the pace of whoever is slower.
        stream.respond({ status: 200, fields: noFields, contentLength: undefined }, true);
        const sink = {
          onDrain: undefined as (() => void) | undefined,
          write: (chunk: Uint8Array) => {
            one.text += Buffer.from(chunk).toString('latin1');
            return stream.write(chunk);
          },
          end: (trailers?: FieldList) => {
            one.ended = true;
            stream.end(trailers);
          },
          abort: () => undefined,
        };
        stream.onDrain = () => sink.onDrain?.();
        stream.readBody(sink);
      },
    },
  );
  const client = new H2Client({ ...base, port: ports.client }, false);
  const pump = () => {
    for (;;) {
      client.flush();
      server.flush();
      const toServer = ports.client.take(chunkBytes);
      const toClient = ports.server.take(chunkBytes);
      if (toServer.length + toClient.length === 0) return;
      server.receive(toServer, 0);
      client.receive(toClient, 0);
    }
  };
  return { client, server, served, stats, pump };
}

test('property: bodies go there and back whole, in order, with their trailers', () => {
  const sizes = fc.array(fc.array(fc.nat(40_000), { maxLength: 6 }), {
    minLength: 1,
    maxLength: 5,
  });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 100, max: 40_000 }), (requests, chunkBytes) => {
      const { client, server, served, stats, pump } = joined(chunkBytes);
      const all = requests.map((pieces, index) => {
        const events = new RecordedStream();
        const outgoing = { method: 'POST', target: `/${index}`, authority: 'a', fields: noFields };
        const stream = client.request(
          { ...outgoing, contentLength: undefined, upgrade: undefined },
          events,
        );
        events.stream = stream;
        const text = pieces.map((size, piece) => `${piece}`.padEnd(size, '.')).join('');
        for (const [piece, size] of pieces.entries())
          stream.write(bytes(`${piece}`.padEnd(size, '.')));
        stream.end(FieldList.of([['x-index', `${index}`]]));
        return { events, text, index };
      });
      pump();
      for (const { events, text, index } of all) {
        expect(served[index]?.text === text).toBe(true);
        expect(events.body.text === text).toBe(true);
        expect(events.body.endings).toEqual(['end']);
        expect(events.body.trailers?.get('x-index')).toBe(`${index}`);
      }
      expect([client.streamCount, server.streamCount]).toEqual([0, 0]);
      expect([client.isClosed, server.isClosed, stats.connectionErrorCount]).toEqual([
        false,
        false,
        0,
      ]);
    }),
    { numRuns: 40 },
  );
});

test('property: streams that are broken off at any time leave nothing behind', () => {
  const actions = fc.array(
    fc.record({
      of: fc.nat(4),
      what: fc.constantFrom('open', 'write', 'end', 'reset', 'reset-there', 'pump'),
    }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(actions, fc.integer({ min: 100, max: 20_000 }), (all, chunkBytes) => {
      const { client, server, served, stats, pump } = joined(chunkBytes);
      pump();
      const streams: H2Stream[] = [];
      for (const { of, what } of all) {
        const stream = streams.at(-1 - of);
        if (what === 'open' && client.roomCount > 0) {
          const outgoing = { method: 'POST', target: '/', authority: 'a', fields: noFields };
          streams.push(
            client.request(
              { ...outgoing, contentLength: undefined, upgrade: undefined },
              new RecordedStream(),
            ),
          );
        } else if (what === 'write') stream?.write(Buffer.alloc(15_000));
        else if (what === 'end') stream?.end();
        else if (what === 'reset') stream?.reset(8, 'enough');
        else if (what === 'reset-there') served.at(-1 - of)?.stream.reset(8, 'enough');
        else pump();
      }
      for (const stream of streams) stream.reset(8, 'enough');
      pump();
      expect([client.streamCount, server.streamCount]).toEqual([0, 0]);
      expect(stats.connectionErrorCount).toBe(0);
      // The windows are as wide as they were: a body of their size goes through.
      const events = new RecordedStream();
      const outgoing = { method: 'POST', target: '/', authority: 'a', fields: noFields };
      const last = client.request(
        { ...outgoing, contentLength: undefined, upgrade: undefined },
        events,
      );
      events.stream = last;
      for (let index = 0; index < 20; index += 1) last.write(Buffer.alloc(15_000));
      last.end();
      pump();
      expect([events.body.text.length, events.body.endings]).toEqual([300_000, ['end']]);
    }),
    { numRuns: 40 },
  );
});
