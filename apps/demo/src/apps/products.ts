import type { Product } from './shapes.ts';

/** What Leno Coffee sells. */
export const products: readonly Product[] = [
  {
    id: 'dawn',
    name: 'First Light',
    origin: 'Ethiopia, Guji',
    notes: 'jasmine, peach, honey',
    price: 1_450,
    colour: '#e8a87c',
  },
  {
    id: 'twist',
    name: 'Twisted Pair',
    origin: 'Colombia, Huila',
    notes: 'red apple, caramel',
    price: 1_290,
    colour: '#c38d5f',
  },
  {
    id: 'weft',
    name: 'Weft & Warp',
    origin: 'Guatemala, Antigua',
    notes: 'cocoa, orange zest',
    price: 1_190,
    colour: '#8d6e4f',
  },
  {
    id: 'gauze',
    name: 'Gauze',
    origin: 'Kenya, Nyeri',
    notes: 'blackcurrant, tomato leaf',
    price: 1_650,
    colour: '#a3566a',
  },
  {
    id: 'loom',
    name: 'Night Loom',
    origin: 'Sumatra, Gayo',
    notes: 'cedar, dark chocolate',
    price: 1_320,
    colour: '#4f5d75',
  },
  {
    id: 'selvedge',
    name: 'Selvedge',
    origin: 'Brazil, Cerrado',
    notes: 'hazelnut, milk chocolate',
    price: 990,
    colour: '#7a8b69',
  },
];
