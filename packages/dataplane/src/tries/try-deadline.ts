import { isIdempotentMethod, tryDeadline } from '@leno/resilience';
import type { Call } from '../call.ts';
import { GRPC_DEADLINE_EXCEEDED } from '../grpc/grpc-status.ts';

/**
 * When the try that begins is given up. Without a word on it, one is cut short only for the sake of a
 * further one; while a call of gRPC may say more, none is.
 */
export function deadlineOfTry(call: Call, nowMs: number): number {
  if (call.isStreaming) return Number.POSITIVE_INFINITY;
  const { perTryTimeoutMs, requestTimeoutMs, retry } = call.policy;
  const isHarmless =
    retry.anyMethod ||
    isIdempotentMethod(call.head.method) ||
    call.head.fields.has('idempotency-key') ||
    (call.isGrpc && retry.grpcStatuses?.includes(GRPC_DEADLINE_EXCEEDED) === true);
  return tryDeadline(
    { requestMs: requestTimeoutMs, perTryMs: perTryTimeoutMs },
    retry.onPerTryTimeout && isHarmless && call.tryCount <= retry.retryCountMax,
    call.deadlineMs,
    nowMs,
  );
}
