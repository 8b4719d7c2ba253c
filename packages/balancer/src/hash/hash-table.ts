/** Places of hashes at hosts, built once from a list of hosts and never changed. */
export interface HashTable {
  /** How many hosts the list had, those without a share included. */
  readonly hostCount: number;
  /**
   * The position of the host for the hash, given as two 32-bit halves (signed or not), or -1 if
   * nobody has a share. Attempt 0 is the first try of a call; each further attempt is another draw,
   * which may fall on the same host again.
   */
  lookup(hi: number, lo: number, attempt: number): number;
}
