import type { Role } from '../app/http-app.ts';
import { products } from './products.ts';

/** What is for sale. v2 gives 10 % off, which the shop shows in red: a canary one can see. */
export const catalog: Role = {
  name: 'catalog',
  routes: ({ version }) => {
    const priced = products.map((it) => ({
      ...it,
      price: version === 'v2' ? Math.round(it.price * 0.9) : it.price,
    }));
    return [
      {
        method: 'GET',
        path: '/products',
        handle: () => ({ status: 200, json: { version, products: priced } }),
      },
      {
        method: 'GET',
        path: '/products/:id',
        handle: ({ params }) => {
          const found = priced.filter((it) => it.id === params['id']);
          return { status: found.length === 0 ? 404 : 200, json: { version, products: found } };
        },
      },
    ];
  },
};
