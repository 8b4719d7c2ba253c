import { type BodySink, FieldList } from '@leno/http';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TRAILER_CLAIMS } from '../claims.ts';
import { RequestBody } from './request-body.ts';

const nobody = { bodyEnded: () => undefined, bodyBroken: () => undefined };

/** A try's sink that writes down what it gets; takes `roomCount` pieces before it asks to stop. */
function sink(roomCount = Number.POSITIVE_INFINITY) {
  const got: number[] = [];
  const seen = { ended: 0, aborted: '' };
  let pieces = 0;
  const target: BodySink = {
    onDrain: undefined,
    write(chunk) {
      got.push(...chunk);
      pieces += 1;
      return pieces < roomCount;
    },
    end: () => void (seen.ended += 1),
    abort: (cause) => void (seen.aborted = cause),
  };
  return { target, got, seen };
}

const bytes = (...list: number[]): Uint8Array => Uint8Array.from(list);

test('property: while it fits, every try gets the whole body, whenever it comes', () => {
  const steps = fc.array(fc.constantFrom('piece', 'try'), { maxLength: 40 });
  fc.assert(
    fc.property(steps, (list) => {
      const body = new RequestBody(1_000, nobody);
      const sent: number[] = [];
      let last = sink();
      body.attach(last.target);
      for (const [index, step] of list.entries()) {
        if (step === 'piece') {
          sent.push(index);
          body.write(bytes(index));
        } else {
          body.detach();
          last = sink();
          body.attach(last.target);
        }
      }
      body.end();
      return body.replayable && last.seen.ended === 1 && String(last.got) === String(sent);
    }),
  );
});

test('a body over the bound goes to the first try whole and cannot be sent again', () => {
  const body = new RequestBody(4, nobody);
  expect(body.write(bytes(1, 2, 3))).toBe(false); // No try yet: stop.
  body.write(bytes(4, 5));
  expect(body.replayable).toBe(false);
  const first = sink();
  body.attach(first.target);
  body.write(bytes(6));
  body.end();
  expect(first.got).toEqual([1, 2, 3, 4, 5, 6]);
  expect(first.seen.ended).toBe(1);
});

test('a kept piece is a copy: the read buffer may be used again', () => {
  const body = new RequestBody(10, nobody);
  const buffer = bytes(1, 2);
  body.write(buffer);
  buffer.fill(9);
  const late = sink();
  body.attach(late.target);
  expect(late.got).toEqual([1, 2]);
});

test('the client is asked to go on when the try that is attached has room', () => {
  const body = new RequestBody(10, nobody);
  let resumed = 0;
  body.onDrain = () => void (resumed += 1);
  const slow = sink(1);
  body.attach(slow.target);
  resumed = 0;
  expect(body.write(bytes(1))).toBe(false);
  slow.target.onDrain?.();
  expect(resumed).toBe(1);
  body.detach();
  slow.target.onDrain?.();
  expect(resumed).toBe(1);
});

test('a body that breaks off never looks whole upstream', () => {
  const broken: string[] = [];
  const body = new RequestBody(10, {
    ...nobody,
    bodyBroken: (cause: string) => broken.push(cause),
  });
  const target = sink();
  body.attach(target.target);
  body.write(bytes(1));
  body.abort('client-gone');
  body.abort('again');
  expect(target.seen).toEqual({ ended: 0, aborted: 'client-gone' });
  expect(broken).toEqual(['client-gone']);
});

test('trailers reach every try, without what claims an identity', () => {
  const body = new RequestBody(1_000, nobody);
  body.write(bytes(1));
  const claims = [...TRAILER_CLAIMS].map((name) => [name, 'evil'] as const);
  body.end(FieldList.of([['x-sum', '1'], ...claims, ['x-other', '2']]));
  for (let round = 0; round < 2; round += 1) {
    const got: (string | undefined)[] = [];
    const { target } = sink();
    target.end = (trailers) => void got.push(trailers?.toWire());
    body.attach(target);
    expect(got).toEqual(['x-sum: 1\r\nx-other: 2\r\n']);
    body.detach();
  }
});
