import { expect, test } from 'vitest';
import { tryDeadline } from './try-deadline.ts';

const NONE = Number.POSITIVE_INFINITY;

test.each([
  {
    name: 'half while a further try is allowed',
    timeouts: { requestMs: 10_000 },
    further: true,
    endMs: 10_000,
    deadline: 6_000,
  },
  {
    name: 'all on the last try',
    timeouts: { requestMs: 10_000 },
    further: false,
    endMs: 10_000,
    deadline: 10_000,
  },
  {
    name: 'explicit',
    timeouts: { requestMs: 10_000, perTryMs: 300 },
    further: true,
    endMs: 10_000,
    deadline: 1_300,
  },
  {
    name: 'explicit on the last try',
    timeouts: { requestMs: 10_000, perTryMs: 300 },
    further: false,
    endMs: 10_000,
    deadline: 1_300,
  },
  {
    name: 'explicitly none',
    timeouts: { requestMs: 10_000, perTryMs: 0 },
    further: true,
    endMs: 10_000,
    deadline: 10_000,
  },
  {
    name: 'never after the request',
    timeouts: { requestMs: 10_000 },
    further: true,
    endMs: 2_000,
    deadline: 2_000,
  },
  {
    name: 'no time at all',
    timeouts: { requestMs: 0 },
    further: true,
    endMs: NONE,
    deadline: NONE,
  },
  {
    name: 'only per try',
    timeouts: { requestMs: 0, perTryMs: 300 },
    further: true,
    endMs: NONE,
    deadline: 1_300,
  },
])('$name', ({ timeouts, further, endMs, deadline }) => {
  expect(tryDeadline(timeouts, further, endMs, 1_000)).toBe(deadline);
});
