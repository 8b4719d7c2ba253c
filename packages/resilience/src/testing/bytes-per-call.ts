/**
 * Bytes that one call of `step` leaves on the heap, as the median of rounds, once it is compiled.
 */
export function bytesPerCall(step: (call: number) => void): number {
  const callCount = 20_000;
  const rounds = Array.from({ length: 41 }, () => {
    const before = process.memoryUsage().heapUsed;
    for (let call = 0; call < callCount; call += 1) step(call);
    return (process.memoryUsage().heapUsed - before) / callCount;
  });
  return rounds.slice(20).sort((a, b) => a - b)[10] ?? Number.NaN;
}
