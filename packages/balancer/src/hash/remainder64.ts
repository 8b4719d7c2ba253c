const TWO_TO_32 = 4_294_967_296;

/** The largest modulus for which `remainder64` is exact: (2²⁶)² + 2³² is below 2⁵³. */
export const REMAINDER_MODULUS_MAX = 67_108_864;

/**
 * The remainder of an unsigned 64-bit integer, given as two halves (signed or not), by a whole
 * `modulus` from 1 to `REMAINDER_MODULUS_MAX`. Exact: every intermediate value is an integer below
 * 2⁵³, and of such a quotient is never rounded up to the next whole number.
 */
export function remainder64(hi: number, lo: number, modulus: number): number {
  const carried = ((hi >>> 0) % modulus) * (TWO_TO_32 % modulus) + (lo >>> 0);
  return carried - Math.floor(carried / modulus) * modulus;
}
