/**
 * The codes of gRPC by which a call can fail, as policies name them: the names of the specification
 * (https://grpc.io/docs/guides/status-codes) in the spelling of Envoy's `retry_on`.
 */
import * as z from 'zod';

const numbers = {
  cancelled: 1,
  unknown: 2,
  'invalid-argument': 3,
  'deadline-exceeded': 4,
  'not-found': 5,
  'already-exists': 6,
  'permission-denied': 7,
  'resource-exhausted': 8,
  'failed-precondition': 9,
  aborted: 10,
  'out-of-range': 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  'data-loss': 15,
  unauthenticated: 16,
} as const;

type GrpcCodeName = keyof typeof numbers;
const names = Object.keys(numbers) as [GrpcCodeName, ...GrpcCodeName[]];

/** The name of a code other than `OK`. */
export const GrpcCode = z.enum(names);
export type GrpcCode = z.output<typeof GrpcCode>;

/** The number of a code, as `grpc-status` carries it. */
export function grpcCodeNumber(code: GrpcCode): number {
  return numbers[code];
}
