/** Randomness as a value: each call gives a number in [0, 1). Not for secrets. */
export type Rng = () => number;

/** The runtime's own generator. */
export const systemRng: Rng = Math.random;

/**
 * A generator that gives the same sequence for the same seed on every runtime.
 * sfc32 (Chris Doty-Humphrey, PractRand), 128 bits of state, warmed up by 15 rounds.
 */
export function seededRng(seed: number): Rng {
  let a = 0x9e3779b9 | 0;
  let b = 0x243f6a88 | 0;
  let c = 0xb7e15162 | 0;
  let counter = seed | 0;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    // Truncated like the others: a sum beyond 32 bits would be a boxed double.
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 4_294_967_296;
  };
  for (let round = 0; round < 15; round += 1) next();
  return next;
}
