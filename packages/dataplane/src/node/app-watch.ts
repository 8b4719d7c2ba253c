/**
 * Knows whether the application behind a sidecar is there, without polling it: one idle connection is held
 * open, and the kernel says at once when the process behind it dies. An application that closes idle
 * connections is simply connected to again; one that does so at once is asked every `steadyMs`.
 */
import { connect, type Socket } from 'node:net';
import {
  type Clock,
  systemClock,
  systemTimers,
  type TimerHandle,
  type Timers,
  Watch,
} from '@leno/std';

/** Where an application listens. */
export type AppAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** Times have defaults: 100 ms and 500 ms. */
export interface AppWatchOptions {
  readonly address: AppAddress;
  readonly clock?: Clock;
  readonly timers?: Timers;
  /** Between two attempts while the application is away. */
  readonly retryMs?: number;
  /** Between two connections to an application that closes them at once. */
  readonly steadyMs?: number;
}

/** How long a connection may take to be made. */
const CONNECT_MS = 2_000;

export class AppWatch {
  /** Whether the application takes connections; false until the first one was made. */
  readonly up = new Watch<boolean>(false);
  readonly #address: AppAddress;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #retryMs: number;
  readonly #steadyMs: number;
  #socket: Socket | undefined;
  #timer: TimerHandle | undefined;
  #stopped = true;

  constructor(options: AppWatchOptions) {
    this.#address = options.address;
    this.#clock = options.clock ?? systemClock;
    this.#timers = options.timers ?? systemTimers;
    this.#retryMs = options.retryMs ?? 100;
    this.#steadyMs = options.steadyMs ?? 500;
  }

  start(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#connect();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  /** Looks again now: a request has just been refused. */
  recheck(): void {
    if (this.#stopped) return;
    this.#timer?.cancel();
    this.#socket?.destroy();
    this.#connect();
  }

  #connect(): void {
    const socket =
      this.#address.kind === 'tcp'
        ? connect({ host: this.#address.host, port: this.#address.port })
        : connect({ path: this.#address.path });
    this.#socket = socket;
    let connectedAtMs = Number.NaN;
    socket.unref();
    // One that does not answer at all is as good as gone.
    const late = this.#timers.after(CONNECT_MS, () => socket.destroy());
    socket.on('connect', () => {
      late.cancel();
      connectedAtMs = this.#clock.nowMs();
      if (this.#socket === socket) this.up.set(true);
    });
    // Whatever it says is not for us; unread bytes would keep the end from being seen.
    socket.on('data', () => undefined);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      late.cancel();
      if (this.#socket !== socket || this.#stopped) return;
      if (Number.isNaN(connectedAtMs)) {
        this.up.set(false);
        this.#later(this.#retryMs);
        return;
      }
      const heldMs = this.#clock.nowMs() - connectedAtMs;
      // Closed by the application or by its death: a new connection tells which.
      if (heldMs < this.#steadyMs) this.#later(this.#steadyMs);
      else this.#connect();
    });
  }

  #later(delayMs: number): void {
    this.#timer = this.#timers.after(delayMs, () => {
      if (!this.#stopped) this.#connect();
    });
  }
}
