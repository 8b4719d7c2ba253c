/** The body of a reply on its way to the client: counted, and the end of it is the end of the call. */
import type { BodySink, FieldList } from '@leno/http';
import type { Call } from '../call.ts';
import type { Attempt } from './attempt.ts';

export class ReplyBody implements BodySink {
  readonly #call: Call;
  readonly #attempt: Attempt;
  readonly #sink: BodySink;

  constructor(call: Call, attempt: Attempt, sink: BodySink) {
    this.#call = call;
    this.#attempt = attempt;
    this.#sink = sink;
  }

  get onDrain(): (() => void) | undefined {
    return this.#sink.onDrain;
  }

  set onDrain(listener: (() => void) | undefined) {
    this.#sink.onDrain = listener;
  }

  write(chunk: Uint8Array): boolean {
    this.#call.responseBytes += chunk.length;
    return this.#sink.write(chunk);
  }

  end(trailers?: FieldList): void {
    const { status } = this.#call;
    this.#attempt.settle(outcomeOfStatus(status), { kind: 'reply', status });
    this.#sink.end(trailers);
    this.#call.end();
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

/**
 * What a status says about the endpoint that gave it: 5xx is a failure, 429 counts in the rate only,
 * everything else is success (linkerd2-proxy's unified breaker).
 */
export function outcomeOfStatus(status: number): 'success' | 'failure' | 'rateOnly' {
  if (status >= 500) return 'failure';
  return status === 429 ? 'rateOnly' : 'success';
}
