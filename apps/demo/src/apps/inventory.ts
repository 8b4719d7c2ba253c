import type { Role } from '../app/http-app.ts';
import { products } from './products.ts';
import { CartLine } from './shapes.ts';

const restockBelow = 100;
const restockTo = 10_000;

/** What is in stock. The legacy importer delivers, in plaintext; an order at the roaster does the rest. */
export const inventory: Role = {
  name: 'inventory',
  routes: () => {
    const stock = new Map(products.map((it) => [it.id, restockTo]));
    return [
      {
        method: 'GET',
        path: '/stock',
        handle: () => ({ status: 200, json: { stock: Object.fromEntries(stock) } }),
      },
      {
        method: 'POST',
        path: '/reservations',
        handle: ({ body }) => {
          const line = CartLine.safeParse(JSON.parse(body));
          const left = line.success ? stock.get(line.data.item) : undefined;
          if (!line.success || left === undefined)
            return { status: 404, json: { error: 'no such item' } };
          const rest = left - line.data.quantity;
          stock.set(line.data.item, rest < restockBelow ? restockTo : rest);
          return { status: 200, json: { item: line.data.item, left: rest } };
        },
      },
      {
        method: 'POST',
        path: '/deliveries',
        handle: ({ body }) => {
          const line = CartLine.safeParse(JSON.parse(body));
          if (!line.success) return { status: 400, json: { error: 'not a delivery' } };
          const { item, quantity } = line.data;
          stock.set(item, Math.min(restockTo, (stock.get(item) ?? 0) + quantity));
          return { status: 200, json: { item, stock: stock.get(item) } };
        },
      },
    ];
  },
};
