/** Records whose key is a 64-bit hash, as columns of the same length. */
export interface HashColumns {
  readonly his: Uint32Array;
  readonly los: Uint32Array;
  readonly hosts: Int32Array;
}

const DIGIT_BITS = 11;
const DIGIT_COUNT = 1 << DIGIT_BITS;

/**
 * The records by ascending hash; equal ones stay in order. By radix over the upper halves, three
 * passes of 11 bits; the few records that have the upper half in common are then put in order by
 * the lower. Linear in the number of records, where a comparing sort of objects would take a
 * second for a million.
 */
export function sortedByHash(columns: HashColumns): HashColumns {
  const { his, los, hosts } = columns;
  const count = his.length;
  let order = Int32Array.from(his.keys());
  let spare = new Int32Array(count);
  for (let shift = 0; shift < 32; shift += DIGIT_BITS) {
    pass(his, order, spare, shift);
    [order, spare] = [spare, order];
  }
  settleTies(his, los, order);
  return {
    his: his.map((_, place) => his[order[place] ?? 0] ?? 0),
    los: los.map((_, place) => los[order[place] ?? 0] ?? 0),
    hosts: hosts.map((_, place) => hosts[order[place] ?? 0] ?? 0),
  };
}

/** Orders stably by one digit of the upper half, from `order` into `next`. */
function pass(his: Uint32Array, order: Int32Array, next: Int32Array, shift: number): void {
  const starts = new Int32Array(DIGIT_COUNT + 1);
  for (const hi of his) {
    const digit = (hi >>> shift) & (DIGIT_COUNT - 1);
    starts[digit + 1] = (starts[digit + 1] ?? 0) + 1;
  }
  for (let digit = 1; digit <= DIGIT_COUNT; digit += 1) {
    starts[digit] = (starts[digit] ?? 0) + (starts[digit - 1] ?? 0);
  }
  for (const record of order) {
    const digit = ((his[record] ?? 0) >>> shift) & (DIGIT_COUNT - 1);
    const place = starts[digit] ?? 0;
    next[place] = record;
    starts[digit] = place + 1;
  }
}

/** Insertion sort of each run of records with the same upper half. */
function settleTies(his: Uint32Array, los: Uint32Array, order: Int32Array): void {
  for (let at = 1; at < order.length; at += 1) {
    const record = order[at] ?? 0;
    const hi = his[record] ?? 0;
    const lo = los[record] ?? 0;
    let place = at;
    while (place > 0) {
      const before = order[place - 1] ?? 0;
      if ((his[before] ?? 0) !== hi || (los[before] ?? 0) <= lo) break;
      order[place] = before;
      place -= 1;
    }
    order[place] = record;
  }
}
