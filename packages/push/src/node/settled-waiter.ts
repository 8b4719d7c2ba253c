import { compareRevisions, type Revision } from '../messages/revision.ts';
import type { SessionInfo } from './server-options.ts';

/** How a revision was taken: by how many sessions, and which nodes were late or refused it. */
export interface Settlement {
  readonly acked: number;
  readonly late: readonly string[];
}

/**
 * Waits until every session has given its verdict on a revision, sessions that open meanwhile
 * included: they may still run something older. A session that closes holds nobody up.
 */
export class SettledWaiter {
  readonly #revision: Revision;
  readonly #done: (settlement: Settlement) => void;
  /** Ids of nodes by session. */
  readonly #pending = new Map<string, string>();
  readonly #refused: string[] = [];
  #acked = 0;
  #isDone = false;

  constructor(revision: Revision, done: (settlement: Settlement) => void) {
    this.#revision = revision;
    this.#done = done;
  }

  /** With all the sessions there are; done at once if every one has settled. */
  begin(sessions: readonly SessionInfo[]): void {
    for (const info of sessions) {
      if (info.node === undefined) continue;
      if (this.#isSettled(info)) this.#count(info);
      else this.#pending.set(info.id, info.node.id);
    }
    this.#finishIfNobodyIsMissing();
  }

  /** Takes note of what a session has done, or of a new one. */
  see(info: SessionInfo): void {
    if (this.#isDone || info.node === undefined || info.phase === 'closed') return;
    if (!this.#isSettled(info)) {
      this.#pending.set(info.id, info.node.id);
      return;
    }
    if (!this.#pending.delete(info.id)) return;
    this.#count(info);
    this.#finishIfNobodyIsMissing();
  }

  /** A session has closed. */
  drop(id: string): void {
    if (this.#pending.delete(id)) this.#finishIfNobodyIsMissing();
  }

  /** The deadline has come: whoever is missing is late. */
  finish(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#done({ acked: this.#acked, late: [...this.#refused, ...this.#pending.values()] });
  }

  #isSettled({ settled }: SessionInfo): boolean {
    return settled !== null && compareRevisions(settled, this.#revision) >= 0;
  }

  #count({ verdict, node }: SessionInfo): void {
    if (verdict === 'rejected') this.#refused.push(node?.id ?? '');
    else this.#acked += 1;
  }

  #finishIfNobodyIsMissing(): void {
    if (this.#pending.size === 0) this.finish();
  }
}
