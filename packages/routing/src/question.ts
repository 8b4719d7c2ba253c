import type { RouteInput, RouteRule } from './route.ts';

/** What is asked of a table: one request, and what it dialled. */
export interface RouteQuestion {
  /** `namespace/name` of the service that was dialled. */
  readonly service: string;
  readonly port: number;
  /** From `Host` or `:authority`, in lower case, without port. */
  readonly host: string;
  readonly method: string;
  /** Without query; compared as it stands, byte for byte: normalising is the caller's. */
  readonly path: string;
  /** What follows `?`, without it; empty if there is none. */
  readonly query: string;
  /** The value of a header by its name in lower case, several lines joined by `,` or `, `. */
  header(name: string): string | undefined;
}

/** The rule that decides a request, and which of its matches it was. */
export interface RouteMatchResult {
  /** The very objects that the table was compiled from. */
  readonly route: RouteInput;
  readonly rule: RouteRule;
  readonly ruleIndex: number;
  /** 0 also for a rule without matches. */
  readonly matchIndex: number;
}
