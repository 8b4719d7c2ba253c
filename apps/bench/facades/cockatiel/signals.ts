import { systemPorts } from '@leno/resilience';
import { systemTimers } from '@leno/std';

/** For callers that give none. */
export const neverAborted = new AbortController().signal;

/** As ours are by default, but a process need not wait for its timers. */
export const unheldPorts = { ...systemPorts, timers: systemTimers };
