import { unreachable } from '@leno/std';
import type { PageName } from '../admin/pages.ts';

/** A page of one worker. */
export interface WorkerPage {
  readonly worker: number;
  readonly page: unknown;
}

/**
 * One page out of those of all workers. Configuration is the same everywhere; counters add up; what
 * each worker has its own of (breakers, connections) is shown side by side, with its number.
 */
export function mergePages(name: PageName, pages: readonly WorkerPage[]): unknown {
  const [first] = pages;
  switch (name) {
    case 'config':
    case 'routes':
      return first?.page;
    case 'why':
      return pages.find(({ page }) => page !== undefined)?.page;
    case 'clusters':
      return pages.flatMap(({ worker, page }) =>
        ((page ?? []) as readonly object[]).map((cluster) => ({ worker, ...cluster })),
      );
    case 'stats':
      return pages.map(({ page }) => page).reduce(sumOf, undefined);
    default:
      return unreachable(name);
  }
}

/** Numbers are added wherever they stand at the same place; of anything else the first is taken. */
function sumOf(left: unknown, right: unknown): unknown {
  if (typeof left === 'number' && typeof right === 'number') return left + right;
  if (!isObject(left) || !isObject(right)) return left ?? right;
  const names = new Set([...Object.keys(left), ...Object.keys(right)]);
  return Object.fromEntries([...names].map((name) => [name, sumOf(left[name], right[name])]));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
