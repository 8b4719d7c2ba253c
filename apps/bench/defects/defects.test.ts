/**
 * The twenty defects that were reproduced in opossum 10 and cockatiel 4: each scenario is played
 * against the rival, which shows the defect, and against ours, which does not have it.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { cockatielDefects } from './cockatiel-defects.ts';
import { cockatielSubject } from './cockatiel-subject.ts';
import { lenoSubject } from './leno-subject.ts';
import { opossumDefects } from './opossum-defects.ts';
import { opossumSubject } from './opossum-subject.ts';

beforeEach(() => {
  // Not `performance`: what is measured takes real time.
  const toFake = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] as const;
  vi.useFakeTimers({ toFake: [...toFake], now: 1_000_000 });
});

afterEach(() => {
  vi.useRealTimers();
});

const opossum = opossumDefects.map((it) => ({ ...it, rival: opossumSubject }));
const cockatiel = cockatielDefects.map((it) => ({ ...it, rival: cockatielSubject }));

test('the letters are those from a to t', () => {
  const letters = [...opossum, ...cockatiel].map(({ letter }) => letter).join('');
  expect(letters).toBe('abcdefghijklmnopqrst');
});

test.each(opossum)('($letter) opossum: $title', async ({ observe, rival, rivalShows }) => {
  expect(await observe(rival())).toEqual(rivalShows);
});

test.each(cockatiel)('($letter) cockatiel: $title', async ({ observe, rival, rivalShows }) => {
  expect(await observe(rival())).toEqual(rivalShows);
});

test.each([...opossum, ...cockatiel])(
  '($letter) ours has it not: $title',
  async ({ observe, oursShows }) => {
    expect(await observe(lenoSubject())).toEqual(oursShows);
  },
);
