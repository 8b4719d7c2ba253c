import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CircuitBreaker } from './circuit-breaker.ts';
import type { CircuitOptions } from './circuit-options.ts';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

const action = (what: string): Promise<string> =>
  what === '.' ? Promise.resolve('fine') : Promise.reject(new Error('boom'));

/** One call per 100 ms; each mark is the state afterwards: closed, open or half-open. */
async function play(calls: string, options: CircuitOptions): Promise<string> {
  const circuit = new CircuitBreaker(action, options);
  let states = '';
  for (const call of calls) {
    await circuit.fire(call).catch(() => {});
    states += circuit.closed ? 'c' : circuit.halfOpen ? 'h' : 'o';
    await vi.advanceTimersByTimeAsync(100);
  }
  return states;
}

test.each([
  { name: 'the first failure opens', calls: 'x', options: {}, states: 'o' },
  {
    name: 'not below the volume',
    calls: 'xxx',
    options: { volumeThreshold: 3 },
    states: 'cco',
  },
  {
    name: 'half of the calls are not more than half',
    calls: '.x',
    options: { volumeThreshold: 2 },
    states: 'cc',
  },
  {
    name: 'a probe that succeeds closes, and what was before is forgotten',
    calls: 'x...x.',
    options: { resetTimeout: 200 },
    states: 'oocccc',
  },
])('$name', async ({ calls, options, states }) => {
  expect(await play(calls, options)).toBe(states);
});

/** The events of what `run` does, in their order. */
async function eventsOf(
  options: CircuitOptions,
  run: (circuit: CircuitBreaker) => Promise<unknown>,
): Promise<readonly string[]> {
  const circuit = new CircuitBreaker((it: () => unknown) => it(), options);
  const events: string[] = [];
  const names = ['fire', 'success', 'failure', 'timeout', 'reject', 'open', 'close', 'halfOpen'];
  for (const name of [...names, 'fallback', 'semaphoreLocked', 'shutdown']) {
    circuit.on(name, () => events.push(name));
  }
  await run(circuit);
  return events;
}

const fails = (): Promise<never> => Promise.reject(new Error('boom'));
const hangs = (): Promise<never> => new Promise(() => {});
const unheard = (): void => {};

test.each([
  {
    name: 'a failure that opens, a refusal, and the time after',
    options: { resetTimeout: 50 },
    run: async (circuit: CircuitBreaker) => {
      await circuit.fire(fails).catch(unheard);
      await circuit.fire(fails).catch(unheard);
      await vi.advanceTimersByTimeAsync(50);
    },
    events: ['fire', 'open', 'failure', 'fire', 'reject', 'halfOpen'],
  },
  {
    name: 'a timeout',
    options: { timeout: 20, volumeThreshold: 9 },
    run: async (circuit: CircuitBreaker) => {
      circuit.fire(hangs).catch(unheard);
      await vi.advanceTimersByTimeAsync(20);
    },
    events: ['fire', 'timeout', 'failure'],
  },
  {
    name: 'no place left, and a fallback',
    options: { capacity: 1, timeout: false, volumeThreshold: 9 } as const,
    run: async (circuit: CircuitBreaker) => {
      circuit.fire(hangs).catch(unheard);
      await circuit.fallback(() => 'instead').fire(hangs);
    },
    events: ['fire', 'fire', 'semaphoreLocked', 'failure', 'fallback'],
  },
  {
    name: 'by hand',
    options: {},
    run: (circuit: CircuitBreaker) => {
      circuit.open();
      circuit.open();
      circuit.close();
      circuit.close();
      circuit.shutdown();
      return circuit.fire(fails).catch(unheard);
    },
    events: ['open', 'close', 'shutdown'],
  },
])('events: $name', async ({ options, run, events }) => {
  expect(await eventsOf(options, run)).toEqual(events);
});

test('what was saved while open waits for the rest of its time', async () => {
  const circuit = new CircuitBreaker(action, { resetTimeout: 1_000 });
  await circuit.fire('x').catch(unheard);
  await vi.advanceTimersByTimeAsync(400);
  const clone = new CircuitBreaker(action, { resetTimeout: 1_000, ...circuit.toJSON() });
  await vi.advanceTimersByTimeAsync(599);
  expect([clone.opened, clone.stats.failures]).toEqual([true, 1]);
  await vi.advanceTimersByTimeAsync(2);
  expect(clone.halfOpen).toBe(true);
});

test('given options are not written to', () => {
  const given = Object.freeze({ timeout: 5 });
  expect(new CircuitBreaker(action, given).options.resetTimeout).toBe(30_000);
  expect(given).toEqual({ timeout: 5 });
});
