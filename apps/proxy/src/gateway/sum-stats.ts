/** The sum of two objects of counters, which may hold such objects themselves. */
export function sumStats<T extends object>(one: T, other: T): T {
  const sums = Object.entries(one).map(([name, left]: [string, unknown]) => {
    const right: unknown = Reflect.get(other, name);
    if (typeof left === 'number' && typeof right === 'number') return [name, left + right];
    return [name, isObject(left) && isObject(right) ? sumStats(left, right) : left];
  });
  return Object.fromEntries(sums) as T;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
