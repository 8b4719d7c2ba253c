import type { Rng } from '@leno/std';
import { products } from '../apps/products.ts';

/** One request to the shop. */
export interface Step {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Sent as a form. */
  readonly form?: Readonly<Record<string, string>>;
}

/** What a visitor does from arriving to leaving, one step after the other. */
export interface Journey {
  readonly name: string;
  /** How often, relative to the others. */
  readonly weight: number;
  steps(rng: Rng): readonly Step[];
}

/** Weights after Online Boutique: most look, some fill a cart, a few buy. */
export const journeys: readonly Journey[] = [
  { name: 'front', weight: 3, steps: () => [{ method: 'GET', path: '/' }] },
  { name: 'look', weight: 8, steps: (rng) => [{ method: 'GET', path: `/items/${anyItem(rng)}` }] },
  {
    name: 'fill',
    weight: 3,
    steps: (rng) => [
      { method: 'POST', path: '/cart', form: { item: anyItem(rng), quantity: '2' } },
      { method: 'GET', path: '/cart' },
    ],
  },
  {
    name: 'buy',
    weight: 3,
    steps: (rng) => [
      { method: 'GET', path: '/' },
      { method: 'POST', path: '/cart', form: { item: anyItem(rng), quantity: '1' } },
      { method: 'POST', path: '/checkout', form: {} },
    ],
  },
];

/** How many requests a journey has on average. */
export function stepsPerJourney(all: readonly Journey[]): number {
  const steps = all.reduce((sum, it) => sum + it.weight * it.steps(() => 0).length, 0);
  return steps / all.reduce((sum, it) => sum + it.weight, 0);
}

/** A journey by weight. */
export function pickJourney(all: readonly Journey[], rng: Rng): Journey | undefined {
  let rest = rng() * all.reduce((sum, it) => sum + it.weight, 0);
  for (const journey of all) {
    rest -= journey.weight;
    if (rest < 0) return journey;
  }
  return all.at(-1);
}

function anyItem(rng: Rng): string {
  return products[Math.floor(rng() * products.length)]?.id ?? 'dawn';
}
