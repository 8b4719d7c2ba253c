import { seededRng, systemClock, systemTimers } from '@leno/std';
import type { AttemptNote } from '@leno/telemetry';
import { expect, test } from 'vitest';
import { endpoint } from '../testing/views.ts';
import { Cluster } from '../upstream/cluster.ts';
import { PoolRegistry } from '../upstream/pools.ts';
import { endpointNotes } from './journal.ts';

const noTls = (): never => {
  throw new Error('nobody dials with TLS');
};

/** What a record says of a cluster of so many: the first is busy, the second never answers. */
function notesOf(endpointCount: number, ...triedIds: string[]) {
  const rng = seededRng(2);
  const pools = new PoolRegistry({ clock: systemClock, timers: systemTimers, rng, tlsFor: noTls });
  const cluster = new Cluster('default/shop', pools, rng, { breakerChanged: () => undefined });
  const bodies = Array.from({ length: endpointCount }, (_, index) => endpoint(index + 1));
  cluster.setEndpoints(bodies, 0);
  const [busy, ...others] = cluster.endpoints;
  if (busy !== undefined) cluster.started(busy, 0);
  const broken = others[0]?.breaker;
  for (let count = 0; count < 5; count += 1) broken?.failure(broken.tryAcquire(0), 0);
  const result = { kind: 'reply', status: 200 } as const;
  const tries = triedIds.map(
    (endpointId): AttemptNote => ({ endpointId, startedAfterMs: 0, durationMs: 1, result }),
  );
  return endpointNotes(cluster, tries, 0);
}

test('a record says of each endpoint its score, and why it was not chosen', () => {
  expect(notesOf(2, 'at-1')).toMatchObject([
    // Nothing is known of either: 30 ms, for each that is under way again.
    { id: 'at-1', breaker: 'closed', score: 60 },
    { id: 'at-2', breaker: 'open', score: 30, excludedBy: 'its breaker is open' },
  ]);
});

test('of many endpoints it names 16, those that were tried first', () => {
  const ids = notesOf(20, 'at-19', 'at-1').map(({ id }) => id);
  const others = Array.from({ length: 14 }, (_, index) => `at-${index + 2}`);
  expect(ids).toEqual(['at-1', 'at-19', ...others]);
});
