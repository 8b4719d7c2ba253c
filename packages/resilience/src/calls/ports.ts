import {
  type Clock,
  type Rng,
  systemClock,
  systemHeldTimers,
  systemRng,
  type Timers,
} from '@leno/std';

/** Where time and chance come from; give your own in tests. */
export interface Ports {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly rng: Rng;
}

/**
 * The runtime's own. Its timers keep the process alive: a script does not end while it backs off.
 */
export const systemPorts: Ports = {
  clock: systemClock,
  timers: systemHeldTimers,
  rng: systemRng,
};

/** The longest delay that timers can wait in every runtime; longer ones would fire at once. */
export const DELAY_MAX_MS = 2 ** 31 - 1;
