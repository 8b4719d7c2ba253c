import type { PushedView } from '@leno/dataplane';
import type { TimerHandle, Timers } from '@leno/std';
import type { AnswerTo, NumberedOrder, OrderKind, OrderOf, WorkerMessage } from './protocol.ts';
import { WorkerError } from './worker-error.ts';

/** A process that was started; what it says and how it ends goes to the listeners given at the start. */
export interface WorkerProcess {
  readonly pid: number | undefined;
  send(message: NumberedOrder): void;
  /** At once, whatever it does. */
  kill(): void;
}

/** Starts a worker process. Neither listener is called before this has returned. */
export type SpawnWorker = (
  index: number,
  on: { message(message: WorkerMessage): void; ended(how: string): void },
) => WorkerProcess;

interface Waiting {
  readonly kind: OrderKind;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (why: WorkerError) => void;
  late: TimerHandle;
}

/** How long an order may take; who has not answered by then is taken for stuck. */
export const ANSWER_MS_MAX = 10_000;
/** And so much longer for each MiB of the view that it concerns: 0.28 s are usual. */
export const VIEW_MS_PER_MIB = 2_000;
const MIB = 1_048_576;

/** How long a worker may take to prepare a view, and again to put it in force. */
export function viewAnswerMs(view: PushedView): number {
  const byteCount = JSON.stringify(view.resources).length;
  return ANSWER_MS_MAX + Math.floor((byteCount / MIB) * VIEW_MS_PER_MIB);
}

/** One worker process as its supervisor sees it: orders and their answers. */
export class RemoteWorker {
  readonly #index: number;
  readonly #process: WorkerProcess;
  readonly #timers: Timers;
  /** As many as there are orders under way, whose askers are bounded where they come from. */
  readonly #waiting = new Map<number, Waiting>();
  #orderCount = 0;
  #ended: string | undefined;

  constructor(index: number, process: WorkerProcess, timers: Timers) {
    this.#index = index;
    this.#process = process;
    this.#timers = timers;
  }

  /** Whether it has a view in hand, which it does in one go: the bound of that order tells if it is stuck. */
  get hasView(): boolean {
    for (const { kind } of this.#waiting.values()) {
      if (kind === 'prepare' || kind === 'commit') return true;
    }
    return false;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Gives an order. Rejects with `WorkerError` if it fails, is late, or the process ends. */
  call<Kind extends OrderKind>(
    order: OrderOf<Kind>,
    withinMs = ANSWER_MS_MAX,
  ): Promise<AnswerTo<Kind>> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(this.#error(this.#ended));
        return;
      }
      this.#orderCount += 1;
      const id = this.#orderCount;
      const giveUp = (): void => {
        this.#waiting.delete(id);
        reject(this.#error(`has not answered ${order.kind} for ${withinMs} ms`));
      };
      // An answer that came while this process was stopped is read after the first timers.
      const late = this.#timers.after(withinMs, () => {
        waiting.late = this.#timers.after(0, giveUp);
      });
      const waiting: Waiting = { kind: order.kind, resolve, reject, late };
      this.#waiting.set(id, waiting);
      this.#process.send({ id, order: order as NumberedOrder['order'] });
    });
  }

  /** An answer, or a refusal, has come. */
  take(message: Extract<WorkerMessage, { readonly id: number }>): void {
    const waiting = this.#waiting.get(message.id);
    if (waiting === undefined) return; // Too late.
    this.#waiting.delete(message.id);
    waiting.late.cancel();
    if (message.kind === 'answer') waiting.resolve(message.answer);
    else waiting.reject(this.#error(message.why));
  }

  /** The process has ended: nobody answers any more. */
  end(how: string): void {
    this.#ended = how;
    for (const { late, reject } of this.#waiting.values()) {
      late.cancel();
      reject(this.#error(how));
    }
    this.#waiting.clear();
  }

  kill(): void {
    this.#process.kill();
  }

  #error(what: string): WorkerError {
    return new WorkerError(`worker ${this.#index}: ${what}`);
  }
}
