/** `node load-main.ts --shop HOST:PORT [--rps N]`: visitors for a shop that is already there, until SIGTERM. */
import { parseArgs } from 'node:util';
import { systemClock, systemRng, systemTimers } from '@leno/std';
import { renderLive } from './fleet/live-line.ts';
import { journeys, stepsPerJourney } from './load/journeys.ts';
import { LoadGenerator } from './load/load-generator.ts';
import { createShopClient } from './load/shop-client.ts';

const usageExit = 64;
const linePeriodMs = 10_000;

function main(): void {
  const { shop, rps } = readOptions();
  const client = createShopClient(shop);
  const load = new LoadGenerator({
    journeys,
    journeysPerSecond: rps / stepsPerJourney(journeys),
    send: client.send,
    clock: systemClock,
    timers: systemTimers,
    rng: systemRng,
  });
  load.start();
  let before = load.counts();
  const lines = setInterval(() => {
    const now = load.counts();
    console.log(renderLive(before, now, linePeriodMs / 1_000));
    before = now;
  }, linePeriodMs);
  const stop = async () => {
    clearInterval(lines);
    await load.stop();
    client.close();
    process.exit(0);
  };
  process.once('SIGTERM', () => void stop());
  process.once('SIGINT', () => void stop());
}

function readOptions(): { readonly shop: string; readonly rps: number } {
  const options = { shop: { type: 'string' }, rps: { type: 'string', default: '30' } } as const;
  try {
    const { shop, rps } = parseArgs({ options }).values;
    if (shop !== undefined && Number(rps) > 0) return { shop, rps: Number(rps) };
  } catch {
    // The usage below says what is allowed.
  }
  console.error(
    'usage: load-main --shop HOST:PORT [--rps N], N requests a second above 0, default 30',
  );
  return process.exit(usageExit);
}

main();
