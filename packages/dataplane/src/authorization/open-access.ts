/**
 * Everything that was let in and is still open, so that a change of access can end what it no longer
 * allows. A list through the members themselves: joining and leaving cost two assignments.
 */

/** Something that was let in: a request, a stream, a tunnel, a connection. */
export interface OpenAccess {
  openPrevious: OpenAccess | undefined;
  openNext: OpenAccess | undefined;
  /** Asks anew whether it may stay, and ends it if not. May leave the list meanwhile. */
  reauthorize(): void;
  /** Asking has thrown, so that nobody knows whether it may stay: ends it. */
  crashed(thrown: unknown): void;
}

/** See the head of this file. */
export class OpenAccessList {
  #first: OpenAccess | undefined;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(member: OpenAccess): void {
    member.openNext = this.#first;
    if (this.#first !== undefined) this.#first.openPrevious = member;
    this.#first = member;
    this.#count += 1;
  }

  /** Does nothing for what is not in it. */
  remove(member: OpenAccess): void {
    const { openPrevious, openNext } = member;
    if (openPrevious === undefined && this.#first !== member) return;
    if (openPrevious === undefined) this.#first = openNext;
    else openPrevious.openNext = openNext;
    if (openNext !== undefined) openNext.openPrevious = openPrevious;
    member.openPrevious = undefined;
    member.openNext = undefined;
    this.#count -= 1;
  }

  /**
   * Asks all of them anew. What one of them ends is not asked any more. One that throws is ended, and
   * the others are asked nevertheless: none may outstay what allowed it for the bug of another.
   */
  reauthorizeAll(): void {
    const members: OpenAccess[] = [];
    for (let at = this.#first; at !== undefined; at = at.openNext) members.push(at);
    for (const member of members) {
      const isOpen = member.openPrevious !== undefined || this.#first === member;
      if (!isOpen) continue;
      try {
        member.reauthorize();
      } catch (thrown) {
        member.crashed(thrown);
      }
    }
  }
}
