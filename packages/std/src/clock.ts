/** Where time comes from. Engines take the numbers; only edges hold a clock. */
export interface Clock {
  /** Milliseconds that never run backwards, from an arbitrary origin. For durations and deadlines. */
  nowMs(): number;
  /** Milliseconds since 1970 by the wall. For certificates, logs and what people read. */
  wallMs(): number;
}

/** A timer that was set; opaque. */
export interface TimerHandle {
  /** Takes the timer back. Harmless once it has fired. */
  cancel(): void;
  /**
   * Whether the timer keeps the process alive, from now on. Absent where that cannot be changed;
   * then a timer that nobody needs any more is better taken back.
   */
  hold?(isHeld: boolean): void;
}

/** Where delays come from: virtual in tests and in the simulator, the runtime's own elsewhere. */
export interface Timers {
  /** Calls `fire` once after `delayMs` (≥ 0). The timer does not keep the process alive. */
  after(delayMs: number, fire: () => void): TimerHandle;
}

/** The runtime's own clock. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
};

/** The runtime's own timers, unreferenced where the runtime knows of that. */
export const systemTimers: Timers = {
  after(delayMs, fire) {
    const timer = systemHeldTimers.after(delayMs, fire);
    timer.hold?.(false);
    return timer;
  },
};

/** As `systemTimers`, but a timer keeps the process alive: for whoever awaits it in a script. */
export const systemHeldTimers: Timers = {
  after(delayMs, fire) {
    const timer: unknown = setTimeout(fire, delayMs);
    return isHoldable(timer) ? new HoldableTimer(timer) : new SystemTimer(timer);
  },
};

class SystemTimer implements TimerHandle {
  readonly #timer: unknown;

  constructor(timer: unknown) {
    this.#timer = timer;
  }

  cancel(): void {
    // The handle is a number in browsers and an object in Node; clearTimeout takes both.
    clearTimeout(this.#timer as Parameters<typeof clearTimeout>[0]);
  }
}

class HoldableTimer extends SystemTimer {
  readonly #timer: Holdable;

  constructor(timer: Holdable) {
    super(timer);
    this.#timer = timer;
  }

  hold(isHeld: boolean): void {
    if (isHeld) this.#timer.ref();
    else this.#timer.unref();
  }
}

interface Holdable {
  ref(): void;
  unref(): void;
}

function isHoldable(timer: unknown): timer is Holdable {
  return typeof timer === 'object' && timer !== null && 'unref' in timer && 'ref' in timer;
}
