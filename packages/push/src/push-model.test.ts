/**
 * The real client and server machines against each other: a lossy in-memory transport, virtual
 * time, two servers of which one lags behind the store, configurations that the proxy refuses.
 * After each event the invariants of push protocol §5 are looked at; when the faults end,
 * everything must converge.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Op, World } from '../test/world.ts';

const often = { isBad: fc.nat(2).map((it) => it === 0), at: fc.nat(2) };
const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('commit' as const), ...often }) },
  { weight: 6, arbitrary: plain('sync') },
  { weight: 6, arbitrary: plain('flow') },
  { weight: 2, arbitrary: plain('elsewhere') },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('down' as const, 'up' as const),
      count: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.constantFrom(10, 400, 2_500, 11_000),
    }),
  },
  { weight: 2, arbitrary: plain('cut', 'restart', 'switch', 'restore', 'replay', 'corrupt') },
);

function plain<K extends Exclude<Op['kind'], 'commit' | 'down' | 'up' | 'wait'>>(
  ...kinds: readonly K[]
): fc.Arbitrary<{ readonly kind: K }> {
  return fc.record({ kind: fc.constantFrom(...kinds) });
}

test('property: S1 to S5 and S7 hold under all faults, and L1 and L2 when they end', () => {
  fc.assert(
    fc.property(fc.array(op, { maxLength: 60 }), (ops) => {
      const world = new World();
      for (const it of ops) world.perform(it);
      world.settle(60_000);
      // L1: at the head, but for what was refused.
      const { client, head } = world;
      expect(client.phase.kind).toBe('live');
      const settled = world.server?.settled;
      expect(settled).toMatchObject({ epoch: head.epoch, version: head.version });
      expect(settled?.digest).toBe(head.digest);
      if (client.running?.have.digest !== head.digest) return;
      // L2: whoever has the head is sent no config at all.
      const before = world.snapshotCount;
      world.perform({ kind: 'cut' });
      world.settle(60_000);
      expect(world.client.phase.kind).toBe('live');
      expect(world.server?.settled).toMatchObject({ epoch: head.epoch, version: head.version });
      expect(world.snapshotCount).toBe(before);
    }),
    { numRuns: 500 },
  );
});
