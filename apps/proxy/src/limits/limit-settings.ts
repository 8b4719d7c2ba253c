/** The settings of what a proxy takes, holds and waits for; see README.md for what is met where. */
import { messageLimits, type ServerLimits, serverLimits } from '@leno/http';
import * as z from 'zod';

/** A whole number in a range, as text. */
export const count = (min: number, max: number, fallback: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, 'use a whole number')
    .transform(Number)
    .refine((value) => value >= min && value <= max, `use a number from ${min} to ${max}`)
    .default(fallback);

const HOUR_MS = 3_600_000;
const CONNECTIONS_MAX = 1_000_000;

export const limitSettings = {
  // Bodies are passed on piece by piece: how long they may be is for applications to say.
  LENO_BODY_BYTES_MAX: count(1, 999_999_999_999_999, Number.POSITIVE_INFINITY),
  LENO_HEAD_BYTES_MAX: count(1_024, 1_048_576, messageLimits.headByteCountMax),
  LENO_HEADER_COUNT_MAX: count(10, 10_000, messageLimits.fieldCountMax),
  LENO_STREAM_COUNT_MAX: count(1, 10_000, 100),
  LENO_HEAD_TIMEOUT_MS: count(100, HOUR_MS, serverLimits.headTimeoutMs),
  LENO_IDLE_TIMEOUT_MS: count(100, HOUR_MS, serverLimits.idleTimeoutMs),
  LENO_STALL_TIMEOUT_MS: count(100, HOUR_MS, serverLimits.stallTimeoutMs),
  LENO_STREAM_IDLE_TIMEOUT_MS: count(100, HOUR_MS, serverLimits.tunnelIdleTimeoutMs),
  LENO_CONNECTIONS_MAX: count(1, CONNECTIONS_MAX, 20_000),
  LENO_INBOUND_CONNECTIONS_MAX: count(1, CONNECTIONS_MAX, serverLimits.connectionCountMax),
  LENO_OUTBOUND_CONNECTIONS_MAX: count(1, CONNECTIONS_MAX, serverLimits.connectionCountMax),
  // 0: what the control group of the process allows, if it is in one that does.
  LENO_MEMORY_BYTES_MAX: count(0, 999_999_999_999_999, 0),
  LENO_LOOP_DELAY_MS_MAX: count(10, 60_000, 1_000),
} as const;

/** What the settings above come to. */
type LimitSettings = { readonly [Name in keyof typeof limitSettings]: number };

/** Those of HTTP/2 beside them. */
export function streamLimitsOf(settings: LimitSettings): { readonly streamIdleTimeoutMs: number } {
  return { streamIdleTimeoutMs: settings.LENO_STREAM_IDLE_TIMEOUT_MS };
}

/** The bounds of either listener, but for its connections. */
export function serverLimitsOf(settings: LimitSettings): Partial<ServerLimits> {
  return {
    headByteCountMax: settings.LENO_HEAD_BYTES_MAX,
    fieldCountMax: settings.LENO_HEADER_COUNT_MAX,
    trailerCountMax: settings.LENO_HEADER_COUNT_MAX,
    bodyByteCountMax: settings.LENO_BODY_BYTES_MAX,
    headTimeoutMs: settings.LENO_HEAD_TIMEOUT_MS,
    idleTimeoutMs: settings.LENO_IDLE_TIMEOUT_MS,
    stallTimeoutMs: settings.LENO_STALL_TIMEOUT_MS,
    tunnelIdleTimeoutMs: settings.LENO_STREAM_IDLE_TIMEOUT_MS,
  };
}
