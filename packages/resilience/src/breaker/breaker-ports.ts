import type { Rng } from '@leno/std';
import type { EjectionCap } from './ejection-cap.ts';

/** What a breaker needs besides its options. */
export interface BreakerPorts {
  readonly rng: Rng;
  /** Shared by the breakers of one cluster; without it, each may open as it likes. */
  readonly cap?: EjectionCap | undefined;
}
