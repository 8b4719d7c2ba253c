import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Instance } from './instance.ts';
import { Registry } from './registry.ts';

function instanceOf(id: string, more: Partial<Instance> = {}): Instance {
  return {
    id,
    service: 'cart',
    namespace: 'default',
    address: '127.0.0.1',
    port: 15_006,
    weight: 1,
    health: 'ready',
    transport: 'mtls',
    labels: { app: 'cart', version: 'v1' },
    identity: 'spiffe://mesh.local/ns/default/sa/cart',
    ...more,
  };
}

/** For what cannot be refused. */
function done(act: () => void): undefined {
  act();
}

/**
 * Plays lines of `SECONDS COMMAND…` on a registry with a lease of 15 s, a grace of 5 s and a
 * suspicion of 30 s; gives what was to be saved after each line, and what stands at the end.
 */
function play(script: string): string {
  const registry = new Registry();
  const lines = script
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  const transcript: string[] = [];
  for (const [seconds, command, first = '', second = ''] of lines) {
    const nowMs = Number(seconds) * 1_000;
    registry.expire(nowMs);
    const acts: Record<string, () => ReturnType<Registry['renew']> | undefined> = {
      restore: () => done(() => registry.restore([instanceOf(first)], nowMs)),
      up: () => registry.register(first, instanceOf(second), 15_000, nowMs),
      down: () =>
        registry.register(first, instanceOf(second, { health: 'notReady' }), 15_000, nowMs),
      thief: () =>
        registry.register(
          first,
          instanceOf(second, { identity: 'spiffe://mesh.local/ns/default/sa/web' }),
          15_000,
          nowMs,
        ),
      renew: () => registry.renew(first, second, nowMs),
      drop: () => registry.drop(first, second),
      bye: () => done(() => registry.sessionClosed(first, true, nowMs)),
      lost: () => done(() => registry.sessionClosed(first, false, nowMs)),
      look: () => undefined,
    };
    const outcome = acts[command ?? '']?.();
    for (const it of registry.takeUnsaved()) {
      transcript.push(`${seconds}: ${it.instance === undefined ? '-' : '+'}${it.id} ${it.cause}`);
    }
    if (outcome?.ok === false) transcript.push(`${seconds}: refused ${outcome.error.code}`);
  }
  const standing = registry.entries().map((it) => `${it.instance.id} ${it.state}`);
  return [...transcript, `= ${standing.join(', ')}`].join('\n');
}

test.each([
  {
    name: 'a lease that is renewed stands, one that is not goes',
    script: `0 up s1 a\n 0 up s1 b\n 10 renew s1 a\n 15 look\n 24.9 look`,
    transcript: '0: +a registered\n0: +b registered\n15: -b its lease was not renewed\n= a live',
  },
  {
    name: 'a lost session takes its instances out at once',
    script: '0 up s1 a\n 1 lost s1',
    transcript: '0: +a registered\n1: -a its session ended\n=',
  },
  {
    name: 'a session closed in good order leaves them for a reconnect',
    script: '0 up s1 a\n 1 bye s1\n 5.5 up s2 a\n 9 look',
    transcript: '0: +a registered\n= a live',
  },
  {
    name: 'the grace ends',
    script: '0 up s1 a\n 1 bye s1\n 5.9 look\n 6 look',
    transcript: '0: +a registered\n6: -a its proxy did not come back\n=',
  },
  {
    name: 'the old session of an instance that has moved on takes nothing along',
    script: '0 up s1 a\n 1 up s2 a\n 2 lost s1\n 2 renew s1 a\n 2 drop s1 a',
    transcript: '0: +a registered\n2: refused NOT_OWNED\n2: refused NOT_OWNED\n= a live',
  },
  {
    name: 'an application that is down is a change, and so is its return',
    script: '0 up s1 a\n 1 down s1 a\n 2 up s1 a\n 3 up s1 a',
    transcript: '0: +a registered\n1: +a reports notReady\n2: +a reports ready\n= a live',
  },
  {
    name: 'after a restart all stand as suspects, and who comes back changes nothing',
    script: '0 restore a\n 0 restore b\n 29.9 up s1 a\n 30 look',
    transcript: '30: -b its proxy did not come back after the restart\n= a live',
  },
  {
    name: 'nobody takes the instance of another identity',
    script: '0 up s1 a\n 1 thief s2 a',
    transcript: '0: +a registered\n1: refused NOT_OWNED\n= a live',
  },
])('$name', ({ script, transcript }) => {
  expect(play(script).trimEnd()).toBe(transcript);
});

test('the bound refuses, is counted, and lets known instances go on', () => {
  const registry = new Registry({ instanceCountMax: 1 });
  expect(registry.register('s', instanceOf('a'), 1_000, 0).ok).toBe(true);
  expect(registry.register('s', instanceOf('b'), 1_000, 0)).toMatchObject({
    error: { code: 'LIMIT' },
  });
  expect(registry.register('s', instanceOf('a', { weight: 2 }), 1_000, 0).ok).toBe(true);
  expect([registry.refusedCount, registry.size]).toEqual([1, 1]);
});

test('what could not be saved is told again, unless something newer is', () => {
  const registry = new Registry();
  registry.register('s', instanceOf('a'), 1_000, 0);
  registry.register('s', instanceOf('b'), 1_000, 0);
  const taken = registry.takeUnsaved();
  registry.drop('s', 'b');
  registry.putBack(taken);
  expect(
    registry
      .takeUnsaved()
      .map((it) => `${it.id} ${it.cause}`)
      .toSorted(),
  ).toEqual(['a registered', 'b dropped']);
});

test('property: applying what is to be saved always gives what stands', () => {
  const id = fc.constantFrom('a', 'b', 'c');
  const session = fc.constantFrom('s1', 's2');
  const health = fc.constantFrom('ready' as const, 'notReady' as const);
  const act = fc.oneof(
    fc.record({ kind: fc.constant('register' as const), session, id, health }),
    fc.record({ kind: fc.constant('drop' as const), session, id }),
    fc.record({ kind: fc.constant('closed' as const), session, clean: fc.boolean() }),
  );
  const step = fc.record({ act, waitMs: fc.nat({ max: 8_000 }), save: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const registry = new Registry();
      const saved = new Map<string, Instance>();
      const save = (): void => {
        for (const it of registry.takeUnsaved()) {
          if (it.instance === undefined) saved.delete(it.id);
          else saved.set(it.id, it.instance);
        }
      };
      let nowMs = 0;
      for (const { act: it, waitMs, save: now } of steps) {
        nowMs += waitMs;
        registry.expire(nowMs);
        if (it.kind === 'register') {
          registry.register(it.session, instanceOf(it.id, { health: it.health }), 15_000, nowMs);
        } else if (it.kind === 'drop') registry.drop(it.session, it.id);
        else registry.sessionClosed(it.session, it.clean, nowMs);
        if (now) save();
      }
      save();
      expect([...saved.values()].toSorted((l, r) => (l.id < r.id ? -1 : 1))).toEqual(
        registry.entries().map((entry) => entry.instance),
      );
      expect(registry.nextExpiryMs()).toBeGreaterThan(nowMs);
    }),
  );
});
