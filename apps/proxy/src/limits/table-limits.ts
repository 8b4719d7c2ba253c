/**
 * The bounds of what a data plane remembers of others: names outside the mesh, identities that called.
 * Counted where they are met, and brought into the metrics when somebody asks.
 */
import type { DataPlane } from '@leno/dataplane';
import type { MeshMetrics } from '@leno/telemetry';
import { type Limit, limitOf } from './limit-table.ts';

type Egress = NonNullable<DataPlane['engine']['egress']>;
type Decider = DataPlane['engine']['table']['access']['decider'];

/** The bounds of the way out. */
export const egressLimits: readonly Limit<Egress>[] = [
  limitOf<Egress>([
    'egress_destinations',
    'destinations outside the mesh: the longest unused makes way; if all are in use, `overflow`',
    '256',
    'fixed',
    ({ evictedCount, overflowCount }) => evictedCount + overflowCount,
  ]),
  limitOf<Egress>([
    'egress_waiting',
    'calls that wait for the address of a name outside the mesh: `overflow`',
    '1 024',
    'fixed',
    ({ waitingOverflowCount }) => waitingOverflowCount,
  ]),
  limitOf<Egress>([
    'egress_answers',
    'names outside the mesh whose addresses are remembered: all are looked up again',
    '1 024',
    'fixed',
    ({ forgottenCount }) => forgottenCount,
  ]),
];

/** The bounds of access. */
export const accessLimits: readonly Limit<Decider>[] = [
  limitOf<Decider>([
    'access_identities',
    'callers whose rules are remembered: all are looked up again',
    '1 024',
    'fixed',
    ({ forgottenCount }) => forgottenCount,
  ]),
];

/** Both, at each scrape. A decider counts anew when the policies change. */
export class TableLimitMetrics {
  readonly #family: MeshMetrics['tableLimitReached'];
  readonly #seen = new Map<string, number>();
  #decider: Decider | undefined;

  constructor({ tableLimitReached }: MeshMetrics) {
    this.#family = tableLimitReached;
  }

  collect({ egress, table }: DataPlane['engine']): void {
    const { decider } = table.access;
    if (decider !== this.#decider) for (const { limit } of accessLimits) this.#seen.delete(limit);
    this.#decider = decider;
    for (const { limit, count } of accessLimits) this.#add(limit, count(decider));
    if (egress === undefined) return;
    for (const { limit, count } of egressLimits) this.#add(limit, count(egress));
  }

  #add(limit: string, count: number): void {
    this.#family.add(this.#family.handle(limit), count - (this.#seen.get(limit) ?? 0));
    this.#seen.set(limit, count);
  }
}
