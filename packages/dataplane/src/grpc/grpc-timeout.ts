/**
 * The deadline that a caller of gRPC gives, as time that is left: at most eight digits and a unit
 * (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#requests).
 */

export const GRPC_TIMEOUT_FIELD = 'grpc-timeout';

/** Milliseconds of a unit. */
const unitMs: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};
const VALUE_MAX = 99_999_999;

/** Milliseconds; undefined for what is no timeout. Zero is one: grpc-go sends it when time is up. */
export function parseGrpcTimeout(text: string): number | undefined {
  if (!/^\d{1,8}[HMSmun]$/.test(text)) return undefined;
  return Number(text.slice(0, -1)) * (unitMs[text.slice(-1)] ?? 0);
}

/** The same or less in the finest unit that holds it: what is sent on never says more than was left. */
export function formatGrpcTimeout(leftMs: number): string {
  if (leftMs < 1_000) return `${Math.max(1, Math.floor(leftMs * 1_000))}u`;
  if (leftMs <= VALUE_MAX) return `${Math.floor(leftMs)}m`;
  const leftS = Math.floor(leftMs / 1_000);
  return leftS <= VALUE_MAX ? `${leftS}S` : `${Math.min(VALUE_MAX, Math.floor(leftS / 3_600))}H`;
}
