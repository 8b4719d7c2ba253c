/** The candidates of one port of one service, by host: exact names, then wildcards, then any host. */
import { assert } from '@leno/std';
import { type Candidate, candidatesOf } from './candidate.ts';
import { PathIndex } from './path-index.ts';
import type { RouteQuestion } from './question.ts';
import type { RouteInput } from './route.ts';

/** Finds the candidate that goes first among all routes that share a port. */
export class HostIndex {
  readonly #exact: ReadonlyMap<string, PathIndex>;
  /** By what follows `*`, so with its leading dot; longest first. */
  readonly #wildcards: readonly { readonly suffix: string; readonly paths: PathIndex }[];
  readonly #any: PathIndex;

  constructor(routes: readonly RouteInput[]) {
    const exact = new Map<string, Candidate[]>();
    const wildcards = new Map<string, Candidate[]>();
    const any: Candidate[] = [];
    for (const route of routes) {
      const candidates = candidatesOf(route);
      if (route.hostnames.length === 0) any.push(...candidates);
      for (const hostname of new Set(route.hostnames.map((it) => it.toLowerCase()))) {
        const [group, key] = hostname.startsWith('*.')
          ? [wildcards, hostname.slice(1)]
          : [exact, hostname];
        group.set(key, [...(group.get(key) ?? []), ...candidates]);
      }
    }
    this.#exact = new Map([...exact].map(([host, list]) => [host, new PathIndex(list)]));
    this.#wildcards = [...wildcards]
      .map(([suffix, list]) => ({ suffix, paths: new PathIndex(list) }))
      .toSorted((one, other) => other.suffix.length - one.suffix.length);
    this.#any = new PathIndex(any);
    assert(!exact.has(''), 'a host name is not empty');
  }

  /** A less specific host is asked only where nothing of the more specific one fits. */
  find(question: RouteQuestion): Candidate | undefined {
    const { host } = question;
    const found = this.#exact.get(host)?.find(question);
    if (found !== undefined) return found;
    for (const { suffix, paths } of this.#wildcards) {
      if (!host.endsWith(suffix)) continue;
      const candidate = paths.find(question);
      if (candidate !== undefined) return candidate;
    }
    return this.#any.find(question);
  }
}
