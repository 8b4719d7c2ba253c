/**
 * At most so many calls at once; the next ones wait in a bounded queue, first in, first out.
 *
 * Guarantees
 * - Never more than `limit` at work: a call that was given up, by a timeout or its caller, keeps
 *   its place until its work has really ended.
 * - Who waits is served in order, and nobody passes the queue. Whoever leaves it, aborted or tired
 *   of waiting, leaves no gap: the next one moves up.
 * - One place is given for one that is given back, in any order of ends, aborts and timeouts.
 */
import { OptionProblems, type TimerHandle, withDefaults } from '@leno/std';
import { InvalidOptionError } from '../invalid-option-error.ts';
import { BulkheadFullError, type BulkheadRefusal } from './bulkhead-full-error.ts';
import {
  Branch,
  type Frame,
  type Holder,
  type Lane,
  PolicyFrame,
  type Stage,
  type Upper,
} from './frame.ts';
import { type PlaceSeeker, Places, type Waiter } from './places.ts';
import { Policy, type PolicyDescription } from './policy.ts';
import { DELAY_MAX_MS } from './ports.ts';
import type { TimedOutError } from './timed-out-error.ts';

/** Options of `bulkhead`. */
export interface BulkheadOptions {
  /** Calls at work at once; at least 1. */
  readonly limit: number;
  /** Calls that may wait for a place. Default 0: whoever finds none is refused. */
  readonly queueCountMax?: number | undefined;
  /** The longest wait in the queue. 0, the default, is no bound. */
  readonly queueWaitMaxMs?: number | undefined;
  /** For errors. Default `unnamed`. */
  readonly name?: string | undefined;
}

type CompleteOptions = {
  readonly [Name in keyof BulkheadOptions]-?: Exclude<BulkheadOptions[Name], undefined>;
};

/** A bulkhead with its own count; put the same one into each pipeline that shares the resource. */
export function bulkhead(options: BulkheadOptions): Bulkhead {
  return new Bulkhead(options);
}

const defaults: CompleteOptions = {
  limit: Number.NaN, // None: it must be given.
  queueCountMax: 0,
  queueWaitMaxMs: 0,
  name: 'unnamed',
};

/** See the top of this file. */
export class Bulkhead extends Policy {
  readonly #options: CompleteOptions;
  readonly #places: Places;
  readonly #refused: Refused = { byQueueCount: 0, byWaitCount: 0 };

  /** Throws `InvalidOptionError` if an option is out of its range. */
  constructor(given: BulkheadOptions) {
    super();
    const options = withDefaults(given, defaults);
    const problems = new OptionProblems();
    problems.count('limit', options.limit, 1);
    problems.count('queueCountMax', options.queueCountMax, 0);
    problems.range('queueWaitMaxMs', options.queueWaitMaxMs, 0, DELAY_MAX_MS);
    problems.throwIfAny(InvalidOptionError);
    this.#options = options;
    this.#places = new Places(options.limit, options.queueCountMax);
  }

  /** Calls that have a place, those included that were given up and still run. */
  get activeCount(): number {
    return this.#places.takenCount;
  }

  /** Calls that wait. */
  get queuedCount(): number {
    return this.#places.queuedCount;
  }

  /** Refused since the start, whichever bound it was. */
  get refusedCount(): number {
    return this.#refused.byQueueCount + this.#refused.byWaitCount;
  }

  /** Those of them that had waited as long as they could. */
  get refusedByWaitCount(): number {
    return this.#refused.byWaitCount;
  }

  stage(next: Stage): Stage {
    const shared: Shared = {
      next,
      options: this.#options,
      places: this.#places,
      refused: this.#refused,
    };
    return (up, lane) => new BulkheadFrame(up, lane, shared);
  }

  describe(): readonly PolicyDescription[] {
    return [{ policy: 'bulkhead', options: { ...this.#options } }];
  }
}

/** What the frames of one bulkhead share. */
interface Shared {
  readonly next: Stage;
  readonly options: CompleteOptions;
  readonly places: Places;
  readonly refused: Refused;
}

interface Refused {
  byQueueCount: number;
  byWaitCount: number;
}

class BulkheadFrame extends PolicyFrame implements Holder, PlaceSeeker {
  readonly up: Upper;
  readonly lane: Lane;
  isDone: boolean;
  child: Frame | undefined;
  waiter: Waiter | undefined;
  readonly #shared: Shared;
  #timer: TimerHandle | undefined;
  #hasPlace: boolean;
  #workCount: number;

  constructor(up: Upper, lane: Lane, shared: Shared) {
    super();
    this.up = up;
    this.lane = lane;
    this.isDone = false;
    this.child = undefined;
    this.waiter = undefined;
    this.#shared = shared;
    this.#timer = undefined;
    this.#hasPlace = false;
    this.#workCount = 0;
  }

  begin(): void {
    const { options, places, refused } = this.#shared;
    const how = places.enter(this);
    if (how === 'placed') {
      this.#beginPlaced();
    } else if (how === 'refused') {
      refused.byQueueCount += 1;
      this.#refuse('queue-full');
    } else if (options.queueWaitMaxMs > 0) {
      const { timers } = this.lane.call.ports;
      this.#timer = timers.after(options.queueWaitMaxMs, () => this.#giveUp());
    }
  }

  /** In the course of another call, which must not suffer from what goes wrong in this one. */
  admit(): void {
    const { call } = this.lane;
    this.#timer?.cancel();
    call.touch();
    try {
      this.#beginPlaced();
    } catch (thrown) {
      call.crash(thrown);
    }
  }

  #beginPlaced(): void {
    const { lane } = this;
    this.#hasPlace = true;
    const child = this.#shared.next(this, new Branch(lane, lane.attempt, lane.hedge, this));
    this.child = child;
    child.begin();
  }

  returned(value: unknown): void {
    this.isDone = true;
    this.close();
    this.up.returned(value, this);
  }

  #giveUp(): void {
    const { call } = this.lane;
    call.touch();
    try {
      this.#shared.refused.byWaitCount += 1;
      this.#refuse('waited');
    } catch (thrown) {
      call.crash(thrown);
    }
  }

  #refuse(because: BulkheadRefusal['because']): void {
    const error = new BulkheadFullError({ ...this.#shared.options, because });
    this.ended('refused', error, this);
  }

  override warn(error: TimedOutError): void {
    super.warn(error);
    if (this.waiter !== undefined) this.ended('timed-out', error, this);
  }

  close(): void {
    this.#timer?.cancel();
    this.#shared.places.quit(this);
    this.#leaveIfOver();
  }

  workBegan(): void {
    this.#workCount += 1;
    this.lane.holder?.workBegan();
  }

  workEnded(): void {
    this.#workCount -= 1;
    this.lane.holder?.workEnded();
    this.#leaveIfOver();
  }

  #leaveIfOver(): void {
    if (!this.#hasPlace || !this.isDone || this.#workCount > 0) return;
    this.#hasPlace = false;
    this.#shared.places.leave();
  }
}
