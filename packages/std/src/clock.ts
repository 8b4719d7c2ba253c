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
    const timer: unknown = setTimeout(fire, delayMs);
    if (hasUnref(timer)) timer.unref();
    return handleOf(timer);
  },
};

/** As `systemTimers`, but a timer keeps the process alive: for whoever awaits it in a script. */
export const systemHeldTimers: Timers = {
  after: (delayMs, fire) => handleOf(setTimeout(fire, delayMs)),
};

function handleOf(timer: unknown): TimerHandle {
  return {
    cancel() {
      // The handle is a number in browsers and an object in Node; clearTimeout takes both.
      clearTimeout(timer as Parameters<typeof clearTimeout>[0]);
    },
  };
}

function hasUnref(timer: unknown): timer is { unref(): void } {
  return typeof timer === 'object' && timer !== null && 'unref' in timer;
}
