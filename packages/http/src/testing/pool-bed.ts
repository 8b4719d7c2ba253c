/** A pool with virtual time towards a raw upstream. */
import { afterEach } from 'vitest';
import type { OutgoingRequest } from '../exchange.ts';
import { FieldList } from '../fields.ts';
import type { UpstreamPoolOptions } from '../pool-options.ts';
import { UpstreamPool } from '../upstream-pool.ts';
import { type RawPeer, RawUpstream } from './raw.ts';
import { RecordedTry } from './sinks.ts';
import { ManualTime } from './time.ts';

const open: { close(): unknown }[] = [];
afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

export const limits = { connectionCountMax: 10, pendingCountMax: 10, requestCountMax: 20 };

export interface Bed {
  readonly upstream: RawUpstream;
  readonly pool: UpstreamPool;
  readonly time: ManualTime;
}

/** Everything is closed after the test. */
export async function bed(
  serve?: (peer: RawPeer, index: number) => void,
  options: Partial<UpstreamPoolOptions> = {},
): Promise<Bed> {
  const upstream = new RawUpstream(serve);
  const port = await upstream.listen();
  const time = new ManualTime();
  const pool = new UpstreamPool({
    address: '127.0.0.1',
    port,
    limits,
    connectTimeoutMs: 1_000,
    idleTimeoutMs: 10_000,
    clock: time,
    timers: time,
    ...options,
  });
  open.push(upstream, pool);
  return { upstream, pool, time };
}

export const get: OutgoingRequest = {
  method: 'GET',
  target: '/p?q',
  authority: 'svc.local',
  fields: new FieldList(),
  contentLength: 0,
  upgrade: undefined,
};
export const post: OutgoingRequest = { ...get, method: 'POST', contentLength: undefined };
export const bytes = (text: string) => Buffer.from(text, 'latin1');
export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** Answers every head that comes with `reply`. */
export function answering(reply: string): (peer: RawPeer) => void {
  return (peer) => {
    peer.socket.on('data', () => peer.send(reply));
  };
}

/** One request from its beginning to its outcome. */
export async function exchange(pool: UpstreamPool, outgoing = get): Promise<RecordedTry> {
  const events = new RecordedTry();
  pool.request(outgoing, events);
  await events.outcome;
  return events;
}
