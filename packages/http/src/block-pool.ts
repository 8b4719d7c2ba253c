/** Large buffers that are used again: made anew, each costs the system more than filling it. */

/** Octets of a block: what one read brings, and a head before it. */
const BLOCK_BYTES = 144 * 1024;
/** What is not needed by so many writes at a time is left to the collector. */
const SPARE_COUNT_MAX = 16;
const spares: Buffer[] = [];

/** A block of at least `byteCount` octets, with anything in it. */
export function takeBlock(byteCount: number): Buffer {
  if (byteCount > BLOCK_BYTES) return Buffer.allocUnsafeSlow(byteCount);
  return spares.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
}

/** Nobody uses `block` any more. */
export function returnBlock(block: Buffer): void {
  if (block.length === BLOCK_BYTES && spares.length < SPARE_COUNT_MAX) spares.push(block);
}
