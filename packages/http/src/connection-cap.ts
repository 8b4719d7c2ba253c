import { assert } from '@leno/std';

/**
 * How many connections several servers may have open together: give the same one to each of them.
 * What comes beyond is turned away as it is beyond a server's own `connectionCountMax`.
 */
export class ConnectionCap {
  readonly countMax: number;
  #count = 0;

  /** At least 1. */
  constructor(countMax: number) {
    assert(countMax >= 1, 'there may be a connection');
    this.countMax = countMax;
  }

  /** Open now, of all servers that share it. */
  get count(): number {
    return this.#count;
  }

  get isReached(): boolean {
    return this.#count >= this.countMax;
  }

  /** For servers: so many more are open, or fewer. */
  change(by: number): void {
    this.#count += by;
    assert(this.#count >= 0, 'no connection is closed twice');
  }
}
