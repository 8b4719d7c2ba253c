import { BoundedQueue } from '@leno/std';

/** What an event is about. */
export type EventKind = 'config' | 'instance' | 'proxy' | 'certificate' | 'store' | 'directory';
/** How loud it is. */
export type EventSeverity = 'info' | 'warning' | 'error';

/** Something that happened in the mesh, for people. */
export interface MeshEvent {
  /** Grows by one with each event of this process, from 1. */
  readonly seq: number;
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly kind: EventKind;
  readonly severity: EventSeverity;
  /** What it happened to: a service, an instance, a file. */
  readonly subject: string;
  readonly message: string;
}

/** The events that are kept where nothing else is said. */
export const eventCountMax = 1_000;

/** The last events, in memory. The oldest make room, and readers who fall behind see the gap in `seq`. */
export class EventLog {
  readonly #events: BoundedQueue<MeshEvent>;
  readonly #listeners = new Set<(event: MeshEvent) => void>();
  #seq = 0;
  #evictedCount = 0;

  constructor(countMax = eventCountMax) {
    this.#events = new BoundedQueue(countMax);
  }

  /** Events that have made room since the start: the metric of the bound. */
  get evictedCount(): number {
    return this.#evictedCount;
  }

  /** The number that the next event will have. */
  get nextSeq(): number {
    return this.#seq + 1;
  }

  add(event: Omit<MeshEvent, 'seq'>): void {
    this.#seq += 1;
    const numbered = { seq: this.#seq, ...event };
    if (this.#events.pushEvicting(numbered) !== undefined) this.#evictedCount += 1;
    for (const listener of this.#listeners) listener(numbered);
  }

  /** Events with a greater number than `seq`, oldest first: the newest `countMax` of them. */
  after(seq: number, countMax: number): MeshEvent[] {
    const found = [...this.#events].filter((it) => it.seq > seq);
    return countMax <= 0 ? [] : found.slice(-countMax);
  }

  /** Calls `listener` with every event from now on; gives what ends that. It must not throw. */
  subscribe(listener: (event: MeshEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
