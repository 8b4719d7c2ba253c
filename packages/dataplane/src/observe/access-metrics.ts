/** Counts decisions of policies: by policy, decision and caller. */
import type { AccessDecision } from '@leno/authz';
import type { Handle, MeshMetrics } from '@leno/telemetry';

type Said = 'allow' | 'deny' | 'would_deny' | 'audit';
type Cells = Readonly<Record<Said, Map<string, Handle>>>;

/** Policies and callers that are told apart; callers beyond are counted under `overflow`. */
export const ACCESS_CELLS_COUNT_MAX = 2_048;

export class AccessMetrics {
  readonly #families: Pick<MeshMetrics, 'authz'>;
  readonly #byPolicy = new Map<string, Cells>();
  #cellCount = 0;

  constructor(families: Pick<MeshMetrics, 'authz'>) {
    this.#families = families;
  }

  /** Counts what was decided about a call of `peer`, and what policies on trial and AUDIT had to say. */
  count(decision: AccessDecision, peer: string): void {
    this.#add(decision.policy, decision.decision, peer);
    const { wouldDeny, audited } = decision;
    if (wouldDeny !== undefined) this.#add(wouldDeny.policy, 'would_deny', peer);
    if (audited !== undefined) this.#add(audited.policy, 'audit', peer);
  }

  #add(policy: string, said: Said, peer: string): void {
    const { authz } = this.#families;
    const cells = this.#cellsOf(policy)[said];
    let handle = cells.get(peer);
    if (handle === undefined) {
      const isFull = this.#cellCount >= ACCESS_CELLS_COUNT_MAX;
      handle = authz.handle(policy === '' ? 'none' : policy, said, isFull ? 'overflow' : peer);
      if (!isFull) {
        this.#cellCount += 1;
        cells.set(peer, handle);
      }
    }
    authz.add(handle);
  }

  #cellsOf(policy: string): Cells {
    const known = this.#byPolicy.get(policy);
    if (known !== undefined) return known;
    const cells = {
      allow: new Map<string, Handle>(),
      deny: new Map<string, Handle>(),
      would_deny: new Map<string, Handle>(),
      audit: new Map<string, Handle>(),
    };
    this.#byPolicy.set(policy, cells);
    return cells;
  }
}
