/**
 * What the scenarios ask of a library, so that one scenario is played against ours and against the
 * rival that it is known from. Each library has one adapter, the only place that knows its API.
 */
export interface Subject {
  readonly name: 'leno' | 'opossum' | 'cockatiel';
  breaker(options: SubjectOptions): SubjectBreaker;
  /** Calls `fn` until it succeeds, with a constant wait in between; settles as the library does. */
  retry(options: RetryOfSubject, fn: () => unknown, signal: AbortSignal): Promise<unknown>;
  /** The first waits of an exponential back-off without jitter. */
  backoffDelaysMs(options: BackoffOfSubject, delayCount: number): readonly number[];
  /** Calls `fn` with a fallback; gives what the fallback was given when `fn` has failed. */
  givenToFallback(fn: () => unknown): Promise<readonly unknown[]>;
  nowMs(): number;
  /** Moves time on; everything that follows from it has happened afterwards. */
  advance(ms: number): Promise<void>;
  /** Timers that are set at present, repeating ones included. */
  timerCount(): number;
}

/** The options that the scenarios need, in units that each adapter translates. */
export interface SubjectOptions {
  /** Trips when more than `failureRatio` of at least `countMin` calls within `windowMs` failed. */
  readonly failureRatio: number;
  readonly countMin: number;
  readonly windowMs: number;
  /** How long it stays open. */
  readonly openMs: number;
  readonly timeoutMs?: number;
  readonly concurrencyMax?: number;
  /** Whether an error counts at all. Default: each does. */
  readonly isFailure?: (error: unknown) => boolean;
  /** Without what can be switched off of statistics. */
  readonly isLean?: boolean;
  /** What `save` gave, to begin with. */
  readonly saved?: unknown;
}

export type StateName = 'closed' | 'open' | 'half-open';

/** A call as the scenarios make it; the signal is the one that tells the action to stop. */
export type Action<T> = (signal: AbortSignal | undefined) => T | PromiseLike<T>;

export interface SubjectBreaker {
  call<T>(action: Action<T>, signal?: AbortSignal): Promise<T>;
  /** As a caller would find it now. */
  state(): StateName;
  /** Its state as plain data. */
  save(): unknown;
  /** The keys of the options object that the library was given, before it and after. */
  readonly optionKeys: { readonly before: readonly string[]; readonly after: readonly string[] };
}

export interface RetryOfSubject {
  readonly delayMs: number;
  readonly retryCountMax: number;
}

export interface BackoffOfSubject {
  readonly baseMs: number;
  readonly factor: number;
}

/** A scenario, and what it shows of the rival and of ours. */
export interface Defect {
  readonly letter: string;
  /** What is wrong with the rival. */
  readonly title: string;
  observe(subject: Subject): unknown;
  /** What the rival shows: documented, so that a mend there is noticed. */
  readonly rivalShows: unknown;
  /** What ours must show. */
  readonly oursShows: unknown;
}
