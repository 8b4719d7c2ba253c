/**
 * What a supervisor and its workers say to each other over the channel between them: orders with a number
 * go down, answers of that number and a beat each second come up. Both ends are of one build, so that
 * nothing is checked but what kind it is; values are what structured clone carries.
 */
import type { Applied, EdgeDelta, PushedView } from '@leno/dataplane';
import type { Identity } from '@leno/dataplane/node';
import type { LogLevel } from '@leno/std/node';
import type { FamilySnapshot } from '@leno/telemetry';
import type { PageName } from '../admin/pages.ts';
import type { Settings } from '../env.ts';
import type { BoundAddresses, ListenerName, ListenPlan } from './workers.ts';

/** Every order by its kind, with its answer. */
interface Orders {
  /** The first: who it is among its like. The settings are the supervisor's, read once. */
  start: [{ index: number; settings: Settings; logLevel: LogLevel }, undefined];
  /** Who the proxy is; its private key too, which goes to no other process. */
  identity: [{ identity: Identity | undefined }, undefined];
  /** Takes a view in and judges it; what was prepared before is forgotten. */
  prepare: [{ view: PushedView }, Applied];
  /** Puts in force what was prepared last. */
  commit: [object, undefined];
  listen: [{ at: ListenPlan }, BoundAddresses];
  metrics: [object, readonly FamilySnapshot[]];
  page: [{ name: PageName; argument: string }, unknown];
  logLevel: [{ level: LogLevel }, undefined];
  drain: [{ listener: ListenerName; withinMs: number }, undefined];
  /** Writes down what waits; the answer is the last word. */
  close: [object, undefined];
}

export type OrderKind = keyof Orders;
export type OrderOf<Kind extends OrderKind> = { readonly kind: Kind } & Readonly<Orders[Kind][0]>;
export type AnswerTo<Kind extends OrderKind> = Orders[Kind][1];
export type Order = { [Kind in OrderKind]: OrderOf<Kind> }[OrderKind];

/** Down. */
export interface NumberedOrder {
  readonly id: number;
  readonly order: Order;
}

/** Up. */
export type WorkerMessage =
  | { readonly kind: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly kind: 'failed'; readonly id: number; readonly why: string }
  | { readonly kind: 'beat'; readonly beat: Beat };

/** Since the beat before; that it comes says that the worker is not stuck. */
export interface Beat {
  readonly edges: readonly EdgeDelta[];
  readonly proxy: { readonly rssMiB: number; readonly cpuRatio: number };
  /** What is not as it should be although it serves. */
  readonly faults: readonly string[];
}

/** Between two beats. */
export const BEAT_MS = 1_000;
