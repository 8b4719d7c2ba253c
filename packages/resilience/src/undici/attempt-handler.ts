import type { Dispatcher } from 'undici';
import type { Relay } from './relay.ts';

type Handler = Dispatcher.DispatchHandler;
type Controller = Dispatcher.DispatchController;
/** Of replies, in lower case. */
export type ReplyHeaders = Parameters<NonNullable<Handler['onResponseStart']>>[2];

/** What an attempt is told from outside. */
export interface AttemptEvents {
  /** The head of the reply is there; its body waits until `give` or `drop`. */
  readonly onHead: (reply: AttemptHandler) => void;
  /** There will be none. */
  readonly onError: (error: Error) => void;
}

/** Bodies up to this are read to their end and thrown away, which keeps the connection. */
const DROPPED_BYTES_MAX = 16_384;

/** One attempt: holds its reply back until it is known whether it is the one. */
export class AttemptHandler implements Handler {
  status = 0;
  headers: ReplyHeaders = {};
  readonly #events: AttemptEvents;
  readonly #signal: AbortSignal;
  #controller: Controller | undefined;
  #statusMessage: string | undefined;
  #outlet: { readonly handler: Handler; readonly relay: Relay } | undefined;
  #isDropped = false;
  /** What came before anybody wanted it; the connection is paused, so that this is little. */
  #early: ((handler: Handler, relay: Relay) => void)[] = [];

  constructor(events: AttemptEvents, signal: AbortSignal) {
    this.#events = events;
    this.#signal = signal;
  }

  readonly #onAbort = (): void => this.#controller?.abort(reasonOf(this.#signal));

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    if (this.#signal.aborted) controller.abort(reasonOf(this.#signal));
    else this.#signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  onResponseStart(
    controller: Controller,
    status: number,
    headers: ReplyHeaders,
    statusMessage?: string,
  ): void {
    if (status < 200) return; // 1xx: the reply is still to come.
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.status = status;
    this.headers = headers;
    this.#statusMessage = statusMessage;
    controller.pause();
    this.#events.onHead(this);
  }

  onResponseData(
    _controller: Controller,
    chunk: Parameters<NonNullable<Handler['onResponseData']>>[1],
  ): void {
    this.#pass((handler, relay) => handler.onResponseData?.(relay, chunk));
  }

  onResponseEnd(_controller: Controller, trailers: ReplyHeaders): void {
    this.#pass((handler, relay) => handler.onResponseEnd?.(relay, trailers));
  }

  onResponseError(_controller: Controller, error: Error): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
    if (this.status === 0) this.#events.onError(error);
    else this.#pass((handler, relay) => handler.onResponseError?.(relay, error));
  }

  #pass(event: (handler: Handler, relay: Relay) => void): void {
    if (this.#isDropped) return;
    if (this.#outlet === undefined) this.#early.push(event);
    else event(this.#outlet.handler, this.#outlet.relay);
  }

  /** Gives the reply to the caller's handler, which steers it from now on. */
  give(handler: Handler, relay: Relay): void {
    const controller = this.#controller;
    relay.target = controller;
    this.#outlet = { handler, relay };
    handler.onResponseStart?.(relay, this.status, this.headers, this.#statusMessage);
    for (const event of this.#early) event(handler, relay);
    this.#early = [];
    if (!relay.paused) controller?.resume();
  }

  /** Nobody gets it. */
  drop(): void {
    this.#isDropped = true;
    this.#early = [];
    const length = Number(this.headers['content-length'] ?? Number.NaN);
    if (length <= DROPPED_BYTES_MAX) this.#controller?.resume();
    else this.#controller?.abort(new Error('another reply was given out'));
  }
}

function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason));
}
