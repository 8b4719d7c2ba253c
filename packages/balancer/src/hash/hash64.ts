/**
 * A 64-bit hash as two unsigned 32-bit halves; reused by whoever makes it, so copy what you keep.
 */
export interface Hash64 {
  hi: number;
  lo: number;
}
