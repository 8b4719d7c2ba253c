/** Sinks and events that write down what happens to them. */

import type { BodySink, ResponseHead, TryEvents, TryFailure } from '../exchange.ts';
import type { FieldList } from '../fields.ts';
import { deferred } from './deferred.ts';

/** Collects a body; `outcome` resolves when it is over. */
export class CollectingSink implements BodySink {
  onDrain: (() => void) | undefined = undefined;
  text = '';
  trailers: FieldList | undefined = undefined;
  /** `end`, or `abort: CAUSE`; several if the rules were broken. */
  readonly endings: string[] = [];
  readonly outcome: Promise<string>;
  readonly #resolve: (outcome: string) => void;
  readonly #onWrite: (() => boolean) | undefined;

  /** `onWrite` says whether there is room for more. */
  constructor(onWrite?: () => boolean) {
    const { promise, resolve } = deferred<string>();
    this.outcome = promise;
    this.#resolve = resolve;
    this.#onWrite = onWrite;
  }

  write(chunk: Uint8Array): boolean {
    this.text += Buffer.from(chunk).toString('latin1');
    return this.#onWrite?.() ?? true;
  }

  end(trailers?: FieldList): void {
    this.trailers = trailers;
    this.endings.push('end');
    this.#resolve('end');
  }

  abort(cause: string): void {
    this.endings.push(`abort: ${cause}`);
    this.#resolve('abort');
  }
}

/** Events of one try, as a log, with promises for what matters. */
export class RecordedTry implements TryEvents {
  readonly log: string[] = [];
  readonly body: CollectingSink;
  head: ResponseHead | undefined = undefined;
  failure: TryFailure | undefined = undefined;
  toPeer: BodySink | undefined = undefined;
  readonly #over = deferred<string>();
  readonly #sent = deferred<true>();

  constructor(body = new CollectingSink()) {
    this.body = body;
  }

  /** `end` or `abort` of the reply, the reason of a failure, or `tunnel`. */
  get outcome(): Promise<string> {
    return this.#over.promise;
  }

  get sent(): Promise<true> {
    return this.#sent.promise;
  }

  onSent(reused: boolean): void {
    this.log.push(reused ? 'sent reused' : 'sent');
    this.#sent.resolve(true);
  }

  onInterim(status: number): void {
    this.log.push(`interim ${status}`);
  }

  onHead(head: ResponseHead): BodySink {
    this.log.push(`head ${head.status}`);
    this.head = head;
    void this.body.outcome.then((outcome) => this.#over.resolve(outcome));
    return this.body;
  }

  onTunnel(head: ResponseHead, toPeer: BodySink): BodySink {
    this.log.push(`tunnel ${head.status}`);
    this.toPeer = toPeer;
    this.#over.resolve('tunnel');
    return this.body;
  }

  onFailure(failure: TryFailure): void {
    this.log.push(`failure ${failure.reason}${failure.unprocessed ? ' unprocessed' : ''}`);
    this.failure = failure;
    this.#over.resolve(failure.reason);
  }
}
