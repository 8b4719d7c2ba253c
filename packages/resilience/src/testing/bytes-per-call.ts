/**
 * Bytes that one call of `step` leaves on the heap, as the median of the last 21 rounds, when it is
 * compiled. At least 21 rounds.
 */
export function bytesPerCall(step: (call: number) => void, roundCount = 41): number {
  const callCount = 20_000;
  const rounds = Array.from({ length: roundCount }, () => {
    const before = process.memoryUsage().heapUsed;
    for (let call = 0; call < callCount; call += 1) step(call);
    return (process.memoryUsage().heapUsed - before) / callCount;
  });
  return rounds.slice(-21).sort((a, b) => a - b)[10] ?? Number.NaN;
}
