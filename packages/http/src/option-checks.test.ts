import { systemClock as clock, systemTimers as timers } from '@leno/std';
import { expect, test } from 'vitest';
import { InvalidOptionError } from './invalid-option-error.ts';
import { createHttpServer } from './server.ts';
import { UpstreamH2Pool } from './upstream-h2-pool.ts';
import { UpstreamPool } from './upstream-pool.ts';

const handler = () => undefined;
const pool = {
  address: 'a',
  port: 0,
  limits: { connectionCountMax: Number.NaN, pendingCountMax: -1, requestCountMax: 1 },
  connectTimeoutMs: -1,
  idleTimeoutMs: 1,
  ...{ clock, timers },
};
const ofPool = ['port', 'limits.connectionCountMax', 'limits.pendingCountMax', 'connectTimeoutMs'];
const http2 = {
  streamWindowByteCount: 65_534,
  connectionWindowByteCount: 2 ** 31,
  frameByteCountMax: 16_383,
  headerTableByteCountMax: 65_537,
  streamCountMax: 0,
  pingIntervalMs: 0,
  pingTimeoutMs: Number.POSITIVE_INFINITY,
};
const ofHttp2 = Object.keys(http2).map((name) => `http2.${name}`);

test.each([
  {
    name: 'a server',
    make: () =>
      createHttpServer({ handler, limits: { headTimeoutMs: -1 }, halfCloseGraceMs: 0, http2 }),
    paths: ['limits.headTimeoutMs', 'halfCloseGraceMs', ...ofHttp2],
  },
  {
    name: 'a server of HTTP/1.1',
    make: () => createHttpServer({ handler, halfCloseGraceMs: Number.NaN }),
    paths: ['halfCloseGraceMs'],
  },
  { name: 'a pool', make: () => new UpstreamPool(pool), paths: ofPool },
  {
    name: 'a pool of HTTP/2',
    make: () => new UpstreamH2Pool({ ...pool, http2 }),
    paths: [...ofPool, ...ofHttp2],
  },
])('$name says everything that is wrong at once', ({ make, paths }) => {
  let thrown: unknown;
  try {
    make();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(InvalidOptionError);
  const { problems } = thrown as InvalidOptionError;
  expect(problems.map(({ path }) => path)).toEqual(paths);
});
