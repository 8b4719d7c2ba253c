/** One run of the demo from its start to its verdict. */
import { createServer } from 'node:net';
import type { Clock, Rng, TimerHandle, Timers } from '@leno/std';
import { allocatePorts, writeFileAtomic } from '@leno/std/node';
import { Fleet } from './fleet/fleet.ts';
import { gather } from './fleet/gather.ts';
import { renderLive, renderReport } from './fleet/live-line.ts';
import { sourcePrograms } from './fleet/programs.ts';
import { makeReport } from './fleet/report.ts';
import { makeRunDirectory } from './fleet/run-directory.ts';
import { journeys, stepsPerJourney } from './load/journeys.ts';
import { LoadGenerator } from './load/load-generator.ts';
import { createShopClient } from './load/shop-client.ts';
import type { DemoOptions } from './options.ts';

const livePeriodMs = 1_000;

/** Where a run gets time, chance and a listener from. */
export interface DemoParts {
  readonly options: DemoOptions;
  readonly environment: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly rng: Rng;
  /** Told what people want to read; `isPassing` is replaced by the next such line on a terminal. */
  readonly say: (line: string, isPassing?: boolean) => void;
  /** Resolves when the user wants it to end. */
  readonly interrupted: Promise<void>;
}

/** A run that can be ended at once, for the second Ctrl-C. */
export interface DemoRun {
  /** True unless it was asked to check itself and found something wrong. */
  readonly done: Promise<boolean>;
  kill(): void;
}

/** Starts the fleet, lets visitors in, and stops all of it in the end, whatever happened. */
export function runDemo(parts: DemoParts): DemoRun {
  let fleet: Fleet | undefined;
  const run = async (): Promise<boolean> => {
    fleet = await makeFleet(parts);
    try {
      const isUp = await Promise.race([fleet.start().then(() => true), parts.interrupted]);
      return isUp === true ? await serve(parts, fleet) : true;
    } finally {
      parts.say('stopping');
      await fleet.stop();
    }
  };
  return { done: run(), kill: () => fleet?.kill() };
}

async function makeFleet({ options, environment, clock, say }: DemoParts): Promise<Fleet> {
  const directory = await makeRunDirectory(options.baseDirectory);
  const env = { ...environment, NODE_COMPILE_CACHE: directory.compileCache };
  return new Fleet({
    programs: sourcePrograms(env),
    directory,
    listen: {
      api: options.apiListen ?? `127.0.0.1:${await preferPort(9_901)}`,
      push: options.pushListen ?? `127.0.0.1:${await preferPort(9_902)}`,
    },
    shopPort: options.shopPort ?? (await preferPort(9_900)),
    clock,
    say,
  });
}

/** The port itself if it is free, else another one: the demo runs beside another Leno too. */
async function preferPort(port: number): Promise<number> {
  const isFree = await new Promise<boolean>((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '0.0.0.0', exclusive: true }, () =>
      server.close(() => resolve(true)),
    );
  });
  return isFree ? port : ((await allocatePorts(1))[0] ?? port);
}

async function serve(parts: DemoParts, fleet: Fleet): Promise<boolean> {
  const { options, clock, timers, rng, say } = parts;
  const client = createShopClient(fleet.shop);
  const load = new LoadGenerator({
    journeys,
    journeysPerSecond: options.requestsPerSecond / stepsPerJourney(journeys),
    send: client.send,
    clock,
    timers,
    rng,
  });
  say(`dashboard        http://${fleet.controlPlane.api}/`);
  say(`shop             http://${fleet.shop}/`);
  say(options.forMs === undefined ? 'Ctrl-C stops all of it' : `running for ${options.forMs} ms`);
  const startedAtMs = clock.nowMs();
  load.start();
  const live = showLive(parts, load);
  const isComplete = await waitFor(parts);
  live.cancel();
  const durationS = (clock.nowMs() - startedAtMs) / 1_000;
  await load.stop();
  client.close();
  if (!isComplete && options.reportFile === undefined) return true;
  const report = makeReport(await gather(fleet, load.counts(), { clock, durationS }));
  say(renderReport(report));
  if (options.reportFile !== undefined) {
    const text = `${JSON.stringify(report, null, 2)}\n`;
    await writeFileAtomic(options.reportFile, text, { mode: 0o644 });
  }
  return options.forMs === undefined || report.healthy;
}

/** True if the time asked for is over, false if the user was faster. */
function waitFor({ options, timers, interrupted }: DemoParts): Promise<boolean> {
  const { forMs } = options;
  const interruption = interrupted.then(() => false);
  if (forMs === undefined) return interruption;
  const over = new Promise<boolean>((resolve) => void timers.after(forMs, () => resolve(true)));
  return Promise.race([over, interruption]);
}

function showLive({ timers, say }: DemoParts, load: LoadGenerator): TimerHandle {
  let before = load.counts();
  let timer: TimerHandle;
  const show = () => {
    const now = load.counts();
    say(renderLive(before, now, livePeriodMs / 1_000), true);
    before = now;
    timer = timers.after(livePeriodMs, show);
  };
  timer = timers.after(livePeriodMs, show);
  return { cancel: () => timer.cancel() };
}
