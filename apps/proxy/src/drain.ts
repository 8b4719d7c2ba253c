/**
 * How a proxy goes: leave, finish what came in, then what goes out, free. Each step waits for the one
 * before, none for a clock, and all of them together have the time of one drain.
 */
import type { AppWatch, ControlSession } from '@leno/dataplane/node';
import { systemClock } from '@leno/std';
import type { JsonLogger } from '@leno/std/node';
import type { Workers } from './workers/workers.ts';

/** What is taken down; the two admin interfaces may not be up yet. */
export interface DrainParts {
  readonly settings: { readonly LENO_DRAIN_TIMEOUT_MS: number };
  readonly workers: Pick<Workers, 'drain' | 'close'>;
  readonly session: ControlSession;
  readonly appWatch: AppWatch;
  readonly listeners: {
    readonly admin: { close(): void } | undefined;
    readonly metrics: { close(): void } | undefined;
  };
  readonly log: JsonLogger;
}

/** A drain that happens once, however often and by whomever it is asked for. */
export class Drain {
  /** Settles when it is over; never rejects. */
  readonly done: Promise<void>;
  hasBegun = false;
  #start: () => void = () => undefined;

  constructor(parts: DrainParts) {
    this.done = new Promise((resolve) => {
      this.#start = () => {
        drainAll(parts)
          .catch((thrown: unknown) => parts.log.error('the drain broke off', { thrown }))
          .finally(resolve);
      };
    });
  }

  /** Begins it, unless it has begun. */
  begin(): Promise<void> {
    if (!this.hasBegun) {
      this.hasBegun = true;
      this.#start();
    }
    return this.done;
  }
}

async function drainAll(parts: DrainParts): Promise<void> {
  const { settings, workers, session, appWatch, listeners, log } = parts;
  const untilMs = systemClock.nowMs() + settings.LENO_DRAIN_TIMEOUT_MS;
  const leftMs = (): number => Math.max(0, untilMs - systemClock.nowMs());
  await session.leave(leftMs()).catch((thrown: unknown) => {
    log.warn('left without a word', { thrown });
  });
  appWatch.stop();
  await workers.drain('inbound', leftMs());
  // Last, for the application needs it to answer what came in.
  await workers.drain('outbound', leftMs());
  await session.stop();
  await workers.close();
  listeners.admin?.close();
  listeners.metrics?.close();
}
