/**
 * The access log as JSON lines: every failure, every slow request, and one in so many successes with
 * the rate in the line, so that what is counted can be scaled up again. Lines are put together by hand
 * and written in batches; when the sink cannot keep up they are dropped and counted, never waited for.
 * Names follow OpenTelemetry where it has one; the query of a target is never logged.
 */
import type { TimerHandle, Timers } from '@leno/std';
import { grpcStatusName } from './request-cells.ts';

/** One request that has ended. The writer keeps nothing of it, so it may be used again. */
export interface AccessEntry {
  readonly startedAtWallMs: number;
  readonly durationMs: number;
  readonly dir: 'inbound' | 'outbound';
  readonly method: string;
  readonly authority: string;
  readonly path: string;
  readonly status: number;
  /** The code of a call of gRPC; absent or -1 for what is none, above 16 where it was no code. */
  readonly grpcStatus?: number;
  readonly outcome: 'success' | 'failure';
  /** Reason code, or `-`. */
  readonly reason: string;
  readonly peer: string;
  readonly route: string;
  readonly endpoint: string;
  readonly attemptCount: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly tls: 'mtls' | 'tls' | 'none';
  readonly requestId: string;
  readonly traceId: string;
}

/** Where batches go. `done` is called when the next one may come. */
export interface LogSink {
  write(batch: string, done: () => void): void;
}

/** How the log is written. */
export interface AccessLogOptions {
  readonly sink: LogSink;
  readonly timers: Timers;
  /** One in so many successes is written; 0 writes none. Default 100. */
  readonly successEvery?: number;
  /** What took at least so long is written whatever its outcome. Default 1,000 ms; 0 switches it off. */
  readonly slowMs?: number;
  /** A batch is written when it is that long. Default 65,536 characters. */
  readonly batchChars?: number;
  /** What may wait while the sink is busy. Default 1,048,576 characters. */
  readonly bufferCharsMax?: number;
  /** How long a line may wait for its batch. Default 500 ms. */
  readonly flushAfterMs?: number;
}

/** Writes the access log. */
export class AccessLog {
  readonly #options: Required<AccessLogOptions>;
  #buffer = '';
  #isWriting = false;
  #timer: TimerHandle | undefined;
  #successCount = 0;
  #droppedCount = 0;
  #successEvery: number;
  #slowMs: number;

  constructor(options: AccessLogOptions) {
    this.#options = {
      successEvery: 100,
      slowMs: 1_000,
      batchChars: 65_536,
      bufferCharsMax: 1_048_576,
      flushAfterMs: 500,
      ...options,
    };
    this.#successEvery = this.#options.successEvery;
    this.#slowMs = this.#options.slowMs;
  }

  /** Lines lost because the buffer was full: the metric of the bound. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  /** Changes what is written, from the next entry. */
  configure(rates: { readonly successEvery: number; readonly slowMs: number }): void {
    this.#successEvery = rates.successEvery;
    this.#slowMs = rates.slowMs;
  }

  /** Takes the entry or leaves it, by the rules above. */
  record(entry: AccessEntry): void {
    const isSlow = this.#slowMs > 0 && entry.durationMs >= this.#slowMs;
    if (entry.outcome === 'failure' || isSlow) {
      this.#append(renderEntry(entry, 1));
      return;
    }
    if (this.#successEvery === 0) return;
    this.#successCount += 1;
    if (this.#successCount < this.#successEvery) return;
    this.#successCount = 0;
    this.#append(renderEntry(entry, this.#successEvery));
  }

  /** Writes what waits, now. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#isWriting || this.#buffer === '') return;
    const batch = this.#buffer;
    this.#buffer = '';
    this.#isWriting = true;
    this.#options.sink.write(batch, () => {
      this.#isWriting = false;
      if (this.#buffer.length >= this.#options.batchChars) this.flush();
      else this.#arm();
    });
  }

  #append(line: string): void {
    if (this.#buffer.length + line.length > this.#options.bufferCharsMax) {
      this.#droppedCount += 1;
      return;
    }
    this.#buffer += line;
    if (this.#buffer.length >= this.#options.batchChars) this.flush();
    else this.#arm();
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#isWriting || this.#buffer === '') return;
    this.#timer = this.#options.timers.after(this.#options.flushAfterMs, () => this.flush());
  }
}

/** One line. What a client can choose is quoted by JSON.stringify; what is ours needs no quoting. */
function renderEntry(entry: AccessEntry, rate: number): string {
  const queryAt = entry.path.indexOf('?');
  const path = queryAt < 0 ? entry.path : entry.path.slice(0, queryAt);
  const time = new Date(entry.startedAtWallMs).toISOString();
  const { grpcStatus = -1 } = entry;
  const grpc = grpcStatus < 0 ? '' : `,"rpc.grpc.status_code":"${grpcStatusName(grpcStatus)}"`;
  return (
    `{"time":"${time}","leno.dir":"${entry.dir}"` +
    `,"http.request.method":${JSON.stringify(entry.method)}` +
    `,"server.address":${JSON.stringify(entry.authority)},"url.path":${JSON.stringify(path)}` +
    `,"http.response.status_code":${entry.status}${grpc},"leno.outcome":"${entry.outcome}"` +
    `,"leno.reason":"${entry.reason}","leno.duration_ms":${entry.durationMs.toFixed(3)}` +
    `,"leno.peer":${JSON.stringify(entry.peer)},"leno.route":${JSON.stringify(entry.route)}` +
    `,"leno.endpoint":${JSON.stringify(entry.endpoint)},"leno.attempts":${entry.attemptCount}` +
    `,"http.request.body.size":${entry.requestBytes}` +
    `,"http.response.body.size":${entry.responseBytes}` +
    `,"leno.tls":"${entry.tls}","leno.request_id":${JSON.stringify(entry.requestId)}` +
    `,"trace_id":${JSON.stringify(entry.traceId)},"leno.sample_rate":${rate}}\n`
  );
}
