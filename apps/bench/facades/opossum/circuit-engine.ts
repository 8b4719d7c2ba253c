import {
  bulkhead,
  type CallBreaker,
  classifyCall,
  createBreaker,
  forceOpenBreaker,
  type Pipeline,
  pipeline,
  systemPorts,
  timeout,
} from '@leno/resilience';
import { breakerOptions, type CompleteCircuitOptions } from './circuit-options.ts';

export interface Engine {
  readonly breaker: CallBreaker;
  readonly calls: Pipeline;
}

export interface EngineStart {
  /** Opens at once for so long; half-open if it is 0. */
  readonly openForMs?: number;
  /** Does not trip. */
  readonly isObserving: boolean;
}

/**
 * What stands between a circuit and its action. The timeout is outside the bulkhead, so that a call
 * which timed out gives its place back when its action ends.
 */
export function createEngine(
  options: CompleteCircuitOptions,
  isFiltered: (error: unknown) => boolean,
  { openForMs, isObserving }: EngineStart,
): Engine {
  const breaker = createBreaker({
    ...breakerOptions(options),
    mode: isObserving ? 'observe' : 'enforce',
    classify: (ending) =>
      ending.kind === 'thrown' && isFiltered(ending.thrown) ? 'ignored' : classifyCall(ending),
  });
  if (openForMs !== undefined) forceOpenBreaker(breaker, openForMs, systemPorts.clock.nowMs());
  const policies = [timeout(options.timeout || 0), bulkhead({ limit: options.capacity })];
  return { breaker, calls: pipeline(breaker, ...policies) };
}
