import type { JsonLogger } from '@leno/std/node';
import { expect, test } from 'vitest';
import { Drain, type DrainParts } from './drain.ts';

/** Parts that only write down what was asked of them, in order; `leave` does what is said. */
function recorded(leave: (withinMs: number) => Promise<void>) {
  const steps: string[] = [];
  const step = (name: string) => (): Promise<void> => {
    steps.push(name);
    return Promise.resolve();
  };
  const parts = {
    settings: { LENO_DRAIN_TIMEOUT_MS: 500 },
    session: {
      leave: (withinMs: number) => {
        steps.push('leave');
        return leave(withinMs);
      },
      stop: step('session'),
    },
    appWatch: { stop: step('watch') },
    listeners: {
      admin: { close: step('admin') },
      metrics: { close: step('metrics') },
    },
    workers: { drain: (name: string) => step(name)(), close: step('workers') },
    log: { warn: () => undefined, error: () => undefined } as unknown as JsonLogger,
  } as unknown as DrainParts;
  return { parts, steps };
}

const inOrder = ['leave', 'watch', 'inbound', 'outbound', 'session', 'workers', 'admin', 'metrics'];

test.each([
  { name: 'an answer', leave: () => Promise.resolve() },
  { name: 'no control plane', leave: () => Promise.reject(new Error('gone')) },
])('what comes in goes before what goes out, once, with $name', async ({ leave }) => {
  const { parts, steps } = recorded(leave);
  const drain = new Drain(parts);
  expect(drain.hasBegun).toBe(false);
  await Promise.all([drain.begin(), drain.begin(), drain.done]);
  expect(steps).toEqual(inOrder);
});

test('nothing is closed before the others have let go', async () => {
  let left = (): void => undefined;
  const { parts, steps } = recorded((withinMs) => {
    expect(withinMs).toBeGreaterThan(400);
    return new Promise((resolve) => (left = resolve));
  });
  const drain = new Drain(parts);
  const over = drain.begin();
  await new Promise((resolve) => setImmediate(resolve));
  expect(steps).toEqual(['leave']);
  left();
  await over;
});
