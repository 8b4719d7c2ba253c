import { FieldList, type RequestHead } from '@leno/http';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  encodeGrpcMessage,
  grpcStatusOfHttp,
  isGrpcCall,
  outcomeOfGrpc,
  readGrpcStatus,
} from './grpc-status.ts';
import { formatGrpcTimeout, parseGrpcTimeout } from './grpc-timeout.ts';

test.each([
  { method: 'POST', type: 'application/grpc', is: true },
  { method: 'POST', type: 'application/grpc+proto', is: true },
  { method: 'POST', type: 'application/grpc+json', is: true },
  { method: 'POST', type: 'Application/gRPC; charset=x', is: true },
  { method: 'POST', type: 'application/grpc ;x=y', is: true },
  { method: 'POST', type: 'application/grpc-web', is: false },
  { method: 'POST', type: 'application/grpc-web+proto', is: false },
  { method: 'POST', type: 'application/grpcs', is: false },
  { method: 'POST', type: 'application/json', is: false },
  { method: 'POST', type: 'text', is: false },
  { method: 'GET', type: 'application/grpc', is: false },
  { method: 'POST', type: undefined, is: false },
])('$method of $type is a call: $is', ({ method, type, is }) => {
  const fields = FieldList.of(type === undefined ? [] : [['Content-Type', type]]);
  expect(isGrpcCall({ method, fields } as RequestHead)).toBe(is);
});

test.each([
  ...Array.from({ length: 17 }, (_, code) => ({ text: `${code}`, code })),
  ...['17', '-1', '01', '007', '', ' ', '1a', '0x1', '99999999999', '0, 0', '１'].map((text) => ({
    text,
    code: 17,
  })),
])('grpc-status $text is code $code', ({ text, code }) => {
  const fields = FieldList.parsed(`grpc-status: ${text}`, [0, 11, 13, 13 + text.length]);
  expect(readGrpcStatus(fields)).toBe(code);
});

test('without the field there is no code', () => {
  expect(readGrpcStatus(FieldList.of([['x', 'y']]))).toBe(-1);
  expect(readGrpcStatus(undefined)).toBe(-1);
});

test('http-grpc-status-mapping', () => {
  const mapped = [400, 401, 403, 404, 429, 502, 503, 504, 200, 302, 418, 500].map(grpcStatusOfHttp);
  expect(mapped).toEqual([13, 16, 7, 12, 14, 14, 14, 14, 2, 2, 2, 2]);
});

test('what each code says about who gave it', () => {
  const outcomes = Array.from({ length: 18 }, (_, code) => outcomeOfGrpc(code).charAt(0)).join('');
  //                       0 OK    4 DEADLINE  8 EXHAUSTED  12..16    17 none
  expect(outcomes).toBe('ssfsf' + 'sssr' + 'ssssfffsf');
});

test.each([
  { text: '1H', ms: 3_600_000 },
  { text: '2M', ms: 120_000 },
  { text: '3S', ms: 3_000 },
  { text: '99999999S', ms: 99_999_999_000 },
  { text: '4m', ms: 4 },
  { text: '5000u', ms: 5 },
  { text: '6000000n', ms: 6 },
  { text: '0n', ms: 0 },
  { text: '00000001S', ms: 1_000 },
  ...['', 'S', '1', '1s', '1h', '-1S', '+1S', '1.5S', '1 S', ' 1S', '1S ', '123456789m'].map(
    (text) => ({ text, ms: undefined }),
  ),
  ...['1mS', '1S, 1S', '0x1S', '1e3m'].map((text) => ({ text, ms: undefined })),
])('grpc-timeout $text is $ms ms', ({ text, ms }) => {
  const parsed = parseGrpcTimeout(text);
  if (ms === undefined) expect(parsed).toBeUndefined();
  else expect(parsed).toBeCloseTo(ms, 9);
});

test('property: what is written can be read, and says no more than was left', () => {
  const left = fc.oneof(
    fc.double({ min: 0.001, max: 2_000, noNaN: true }),
    fc.double({ min: 0.001, max: 1e15, noNaN: true }),
  );
  fc.assert(
    fc.property(left, (leftMs) => {
      const ms = parseGrpcTimeout(formatGrpcTimeout(leftMs)) ?? Number.NaN;
      expect(ms).toBeLessThanOrEqual(leftMs * (1 + 1e-12));
      expect(ms).toBeGreaterThan(0);
      // Close enough to be worth it: a thousandth, or a step of the unit.
      if (leftMs > 1 && leftMs < 9e10) expect(ms).toBeGreaterThanOrEqual(leftMs * 0.99);
    }),
  );
});

test.each([
  { text: 'no ready endpoint: shop', encoded: 'no ready endpoint: shop' },
  { text: '100 % of “it”\r\n', encoded: '100 %25 of %E2%80%9Cit%E2%80%9D%0D%0A' },
  { text: '\u007f~', encoded: '%7F~' },
])('grpc-message $encoded', ({ text, encoded }) => {
  expect(encodeGrpcMessage(text)).toBe(encoded);
});

test('a grpc-message is cut where it is too long', () => {
  expect(encodeGrpcMessage('x'.repeat(1_025))).toBe('x'.repeat(1_024));
  expect(encodeGrpcMessage('é'.repeat(600))).toBe('%C3%A9'.repeat(512));
});

test('property: any grpc-message can be sent, and read again', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 250 }), (text) => {
      const encoded = encodeGrpcMessage(text);
      expect(encoded).toMatch(/^[ -~]*$/);
      expect(decodeURIComponent(encoded)).toBe(text);
    }),
  );
});
