/** Large buffers that are used again: made anew, each costs the system more than filling it. */

/** Octets of a block: a frame of HTTP/2, or what one read brings, and a head before it. */
const SMALL_BYTES = 20 * 1024;
const LARGE_BYTES = 144 * 1024;
/** What is not needed by so many writes at a time is left to the collector. */
const SMALL_COUNT_MAX = 64;
const LARGE_COUNT_MAX = 16;
const small: Buffer[] = [];
const large: Buffer[] = [];

/** A block of at least `byteCount` octets, with anything in it. */
export function takeBlock(byteCount: number): Buffer {
  if (byteCount <= SMALL_BYTES) return small.pop() ?? Buffer.allocUnsafeSlow(SMALL_BYTES);
  if (byteCount <= LARGE_BYTES) return large.pop() ?? Buffer.allocUnsafeSlow(LARGE_BYTES);
  return Buffer.allocUnsafeSlow(byteCount);
}

/** Nobody uses `block` any more. */
export function returnBlock(block: Buffer): void {
  if (block.length === SMALL_BYTES) {
    if (small.length < SMALL_COUNT_MAX) small.push(block);
  } else if (block.length === LARGE_BYTES && large.length < LARGE_COUNT_MAX) {
    large.push(block);
  }
}
