/**
 * What a benchmark is made of: groups of subjects that do the same thing, measured side by side in
 * one process of their own, so that neither the machine's mood nor a polymorphic call site tells
 * them apart.
 */

/**
 * Does the thing `count` times. The loop is the subject's own: one shared by all would make every
 * call megamorphic, and flatter whoever is slow. What is returned keeps the work from being optimized
 * away.
 */
export type Run =
  | { readonly kind: 'sync'; readonly run: (count: number) => number }
  | { readonly kind: 'async'; readonly run: (count: number) => Promise<number> };

/** How much of a subject to set up: a smoke test wants the shape, not the figures. */
export interface Scale {
  readonly isQuick: boolean;
}

/** One contender of a group. */
export interface Subject {
  /** With the variant in brackets: `cockatiel (count window)`. */
  readonly name: string;
  /** Sets it up. A package that is not installed makes the subject absent, not the run a failure. */
  readonly load: (scale: Scale) => Promise<Run> | Run;
}

/** Subjects whose time and allocation are measured. */
export interface TimedGroup {
  readonly kind: 'timed';
  readonly case: string;
  /** The subject that ratios are to: the same work without what is measured. */
  readonly baseline?: string;
  /**
   * Each subject has a process of its own, with the baseline if there is one, where they share a
   * loop or an engine: the compiler would see all of them at once, and inline none.
   */
  readonly isIsolated?: boolean;
  readonly subjects: readonly Subject[];
}

/** A subject that gives one figure by itself: a size, a share. */
export interface FigureSubject {
  readonly name: string;
  readonly measure: (scale: Scale) => Promise<number> | number;
}

/** Subjects that are compared by a figure which is no time. */
export interface FigureGroup {
  readonly kind: 'figures';
  readonly case: string;
  readonly metric: string;
  readonly unit: string;
  readonly baseline?: string;
  readonly subjects: readonly FigureSubject[];
}

/** One case of a benchmark. */
export type Group = TimedGroup | FigureGroup;

/** What a subject turned out to take: figures by metric, or that it is not on this machine. */
export type Outcome =
  | { readonly kind: 'measured'; readonly name: string; readonly figures: readonly Figure[] }
  | { readonly kind: 'absent'; readonly name: string };

/** One figure. */
export interface Figure {
  readonly metric: string;
  readonly unit: string;
  readonly value: number;
}

/** What a group turned out to take. */
export interface GroupOutcome {
  readonly case: string;
  readonly baseline: string | null;
  readonly outcomes: readonly Outcome[];
}
