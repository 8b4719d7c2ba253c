/** Bounds of a server and of what it parses. Each has a counter in the stats for when it is met. */

/** Bounds of one message. */
export interface MessageLimits {
  /** Octets from the start line to the empty line. Default 61 440 (60 KiB); more is 431. */
  readonly headByteCountMax: number;
  /** Field lines of a head. Default 100; more is 431. */
  readonly fieldCountMax: number;
  /** Field lines of a trailer section. Default 100; more is 431. */
  readonly trailerCountMax: number;
  /** Octets of a body. Default 16 MiB; more is 413. `Infinity` lifts it: bodies are never collected. */
  readonly bodyByteCountMax: number;
}

/** Bounds of a server. */
export interface ServerLimits extends MessageLimits {
  /** Open connections. Default 10 000; those beyond are closed at once. */
  readonly connectionCountMax: number;
  /** From the first octet of a head to its last, and for a TLS handshake half of it. Default 10 s. */
  readonly headTimeoutMs: number;
  /** Without a request on a kept connection. Default 75 s: longer than a client's pool keeps it. */
  readonly idleTimeoutMs: number;
  /** Without an octet of a body that is being read, or without progress of a reply that the client does not take. Default 60 s. */
  readonly stallTimeoutMs: number;
  /** Without an octet either way after an upgrade or CONNECT. Default 5 min. */
  readonly tunnelIdleTimeoutMs: number;
  /** Octets of an unwanted body that are read only to keep its connection. Default 256 KiB. */
  readonly discardByteCountMax: number;
}

/** The defaults of `semantics.md`. */
export const messageLimits: MessageLimits = {
  headByteCountMax: 60 * 1024,
  fieldCountMax: 100,
  trailerCountMax: 100,
  bodyByteCountMax: 16 * 1024 * 1024,
};

/** The defaults of a server. */
export const serverLimits: ServerLimits = {
  ...messageLimits,
  connectionCountMax: 10_000,
  headTimeoutMs: 10_000,
  idleTimeoutMs: 75_000,
  stallTimeoutMs: 60_000,
  tunnelIdleTimeoutMs: 300_000,
  discardByteCountMax: 256 * 1024,
};

/** Queued octets beyond which a sink asks its source to stop. */
export const QUEUED_BYTE_COUNT_MAX = 128 * 1024;

const SWEEP_MS_MAX = 1_000;

/** How often a server looks for what takes too long: four times within its shortest bound. */
export function sweepMsOf(limits: ServerLimits): number {
  const { headTimeoutMs, idleTimeoutMs, stallTimeoutMs, tunnelIdleTimeoutMs } = limits;
  const shortest = Math.min(headTimeoutMs, idleTimeoutMs, stallTimeoutMs, tunnelIdleTimeoutMs);
  return Math.max(5, Math.min(SWEEP_MS_MAX, shortest / 4));
}
