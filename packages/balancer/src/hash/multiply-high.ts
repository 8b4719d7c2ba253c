/**
 * The upper 32 bits of the product of two unsigned 32-bit integers, which may be given and are
 * returned as signed. By halves of 16 bits, so that no intermediate sum exceeds 32 bits: what
 * `Math.imul` leaves out of a 64-bit product, without BigInt.
 */
export function multiplyHigh(one: number, other: number): number {
  const oneLow = one & 0xffff;
  const oneHigh = one >>> 16;
  const otherLow = other & 0xffff;
  const otherHigh = other >>> 16;
  const first = Math.imul(oneHigh, otherLow) + (Math.imul(oneLow, otherLow) >>> 16);
  const second = (Math.imul(oneLow, otherHigh) + (first & 0xffff)) | 0;
  return (Math.imul(oneHigh, otherHigh) + (first >>> 16) + (second >>> 16)) | 0;
}
