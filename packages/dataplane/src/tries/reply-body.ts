/** The body of a reply on its way to the client: counted, and the end of it is the end of the call. */
import type { BodySink, FieldList } from '@leno/http';
import type { Call } from '../call.ts';
import { REPLY_CLAIMS } from '../claims.ts';
import {
  GRPC_NO_CODE,
  GRPC_NONE,
  outcomeOfGrpc,
  readGrpcStatus,
  replyNote,
} from '../grpc/grpc-status.ts';
import type { TryOutcome } from '../upstream/cluster.ts';
import type { Attempt } from './attempt.ts';

export class ReplyBody implements BodySink {
  readonly #call: Call;
  readonly #attempt: Attempt;
  readonly #sink: BodySink;
  readonly #isOpenEnded: boolean;
  #hasRoom = true;

  /** `isOpenEnded`: whether the reply may end anywhere, with trailers. */
  constructor(call: Call, attempt: Attempt, sink: BodySink, isOpenEnded: boolean) {
    this.#call = call;
    this.#attempt = attempt;
    this.#sink = sink;
    this.#isOpenEnded = isOpenEnded;
  }

  /** Whether trailers would end it for its reader, now: behind what waits they would come too late. */
  get takesTrailers(): boolean {
    return this.#isOpenEnded && this.#hasRoom;
  }

  get onDrain(): (() => void) | undefined {
    return this.#sink.onDrain;
  }

  set onDrain(listener: (() => void) | undefined) {
    this.#sink.onDrain = listener;
  }

  write(chunk: Uint8Array): boolean {
    this.#call.responseBytes += chunk.length;
    this.#hasRoom = this.#sink.write(chunk);
    return this.#hasRoom;
  }

  end(trailers?: FieldList): void {
    const call = this.#call;
    if (trailers !== undefined && call.direction === 'inbound') {
      for (const name of REPLY_CLAIMS) trailers.remove(name);
    }
    if (call.isGrpc) {
      const told = readGrpcStatus(trailers);
      if (told !== GRPC_NONE) call.grpcStatus = told;
      else if (call.grpcStatus === GRPC_NONE) call.grpcStatus = GRPC_NO_CODE;
    }
    const { status, grpcStatus } = call;
    this.#attempt.settle(outcomeOfReply(status, grpcStatus), replyNote(status, grpcStatus));
    this.#sink.end(trailers);
    call.end();
  }

  /** Ends the reply with `trailers` that say why there will be no more. Only when `takesTrailers`. */
  breakOff(trailers: FieldList): void {
    this.#sink.end(trailers);
  }

  /** The upstream broke off after its head had gone to the client: nobody can repair that. */
  abort(cause: string): void {
    this.#attempt.settle('failure', {
      kind: 'failure',
      reason: 'upstream-reset',
      unprocessed: false,
      detail: cause,
    });
    this.#call.fail('upstream-reset', cause);
  }
}

/** What a reply says about the endpoint that gave it; `grpcStatus` is `GRPC_NONE` for what is no call. */
export function outcomeOfReply(status: number, grpcStatus: number): TryOutcome {
  if (grpcStatus === GRPC_NONE || status !== 200) return outcomeOfStatus(status);
  return outcomeOfGrpc(grpcStatus);
}

/**
 * What a status says about the endpoint that gave it: 5xx is a failure, 429 counts in the rate only,
 * everything else is success (linkerd2-proxy's unified breaker).
 */
function outcomeOfStatus(status: number): 'success' | 'failure' | 'rateOnly' {
  if (status >= 500) return 'failure';
  return status === 429 ? 'rateOnly' : 'success';
}
