import type { Counter, Handle } from './metric-family.ts';
import type { metricTable } from './metric-table.ts';

type RequestLabels = (typeof metricTable)['requests']['labelNames'];

/** The labels of `leno_requests_total` that are known before a request ends. */
export interface RequestPrefix {
  readonly dir: 'inbound' | 'outbound';
  readonly peer: string;
  readonly route: string;
  readonly tls: 'mtls' | 'tls' | 'none';
}

/** Statuses reach 999, gRPC codes 16; 17 stands for none, 18 for one that is no code. */
const grpcSlotCount = 19;
const noGrpcStatus = 17;
const unknownGrpcStatus = 18;
const statusSlotCount = 1_000;

/**
 * Counts the requests of one (direction, peer, route, tls) by how they ended. The cell of a status,
 * a reason and a gRPC status is found under one integer; only the first request of a kind makes its
 * series. Reasons are a closed set and come as their index in it.
 */
export class RequestCells {
  readonly #family: Counter<RequestLabels>;
  readonly #prefix: RequestPrefix;
  readonly #reasons: readonly string[];
  readonly #handles = new Map<number, Handle>();

  /** `reasons[index]` is the label value of a reason; index -1 is no reason, written `-`. */
  constructor(family: Counter<RequestLabels>, prefix: RequestPrefix, reasons: readonly string[]) {
    this.#family = family;
    this.#prefix = prefix;
    this.#reasons = reasons;
  }

  /**
   * Counts one request. A status outside 0–999 counts as 0. `grpcStatus` is -1 for what is not gRPC;
   * of what is, everything that is no code from 0 to 16 counts as `unknown`.
   */
  count(status: number, reasonIndex = -1, grpcStatus = -1): void {
    const statusSlot = status >= 0 && status < statusSlotCount ? status | 0 : 0;
    const grpcSlot = grpcSlotOf(grpcStatus);
    const key = ((reasonIndex + 1) * grpcSlotCount + grpcSlot) * statusSlotCount + statusSlot;
    const handle = this.#handles.get(key) ?? this.#make(key, statusSlot, reasonIndex, grpcSlot);
    this.#family.add(handle);
  }

  #make(key: number, status: number, reasonIndex: number, grpcSlot: number): Handle {
    const { dir, peer, route, tls } = this.#prefix;
    const flags = this.#reasons[reasonIndex] ?? '-';
    const grpc = grpcSlot === noGrpcStatus ? '' : grpcStatusName(grpcSlot);
    const handle = this.#family.handle(dir, peer, route, String(status), flags, tls, grpc);
    this.#handles.set(key, handle);
    return handle;
  }
}

/** A gRPC code as labels, logs and records say it: 0 to 16, else `unknown`. */
export function grpcStatusName(grpcStatus: number): string {
  return grpcStatus >= 0 && grpcStatus < noGrpcStatus ? String(grpcStatus | 0) : 'unknown';
}

function grpcSlotOf(grpcStatus: number): number {
  if (grpcStatus < 0) return noGrpcStatus;
  return grpcStatus < noGrpcStatus ? grpcStatus | 0 : unknownGrpcStatus;
}
