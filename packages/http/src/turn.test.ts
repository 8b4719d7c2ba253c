import { expect, test } from 'vitest';
import { atLoopEnd, atTurnEnd } from './turn.ts';

test('the end of a turn comes before anything else, that of the loop after what else is due', async () => {
  const log: string[] = [];
  const says = (text: string) => ({ turnEnded: () => void log.push(text) });
  atLoopEnd(says('loop'));
  atTurnEnd(says('turn'));
  process.nextTick(() => {
    log.push('tick');
    atTurnEnd(says('turn of the tick'));
    atLoopEnd(says('loop, too'));
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(log).toEqual(['turn', 'tick', 'turn of the tick', 'loop', 'loop, too']);
});
