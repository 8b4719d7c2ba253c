/**
 * Tells a dead connection from a quiet one: each side pings every interval ± 20 %, and gives up
 * when nothing, not even a pong, was heard for 1.8 intervals. TCP alone does not notice a stopped
 * peer; the jitter keeps thousands of sessions from pinging in step.
 */

/** When an event happened, and a random number in [0, 1) for what it leads to. */
export interface Moment {
  readonly nowMs: number;
  readonly random: number;
}

/** State of one connection. */
export interface Heartbeat {
  readonly intervalMs: number;
  readonly heardAtMs: number;
  readonly pingAtMs: number;
}

const deadAfterIntervals = 1.8;

/** Of a connection that has just been opened. */
export function startHeartbeat(intervalMs: number, moment: Moment): Heartbeat {
  return { intervalMs, heardAtMs: moment.nowMs, pingAtMs: nextPingMs(intervalMs, moment) };
}

/** Any frame came. */
export function hear(heartbeat: Heartbeat, nowMs: number): Heartbeat {
  return { ...heartbeat, heardAtMs: Math.max(heartbeat.heardAtMs, nowMs) };
}

/** What is to be done now: nothing, a ping (then go on with `next`), or giving up. */
export function beat(
  heartbeat: Heartbeat,
  moment: Moment,
):
  | { readonly kind: 'quiet' }
  | { readonly kind: 'dead' }
  | { readonly kind: 'ping'; readonly next: Heartbeat } {
  if (moment.nowMs >= deadAtMs(heartbeat)) return { kind: 'dead' };
  if (moment.nowMs < heartbeat.pingAtMs) return { kind: 'quiet' };
  const next = { ...heartbeat, pingAtMs: nextPingMs(heartbeat.intervalMs, moment) };
  return { kind: 'ping', next };
}

/** When `beat` has to be asked again. */
export function heartbeatWakeMs(heartbeat: Heartbeat): number {
  return Math.min(heartbeat.pingAtMs, deadAtMs(heartbeat));
}

function deadAtMs(heartbeat: Heartbeat): number {
  return heartbeat.heardAtMs + deadAfterIntervals * heartbeat.intervalMs;
}

function nextPingMs(intervalMs: number, moment: Moment): number {
  return moment.nowMs + intervalMs * (0.8 + 0.4 * moment.random);
}
