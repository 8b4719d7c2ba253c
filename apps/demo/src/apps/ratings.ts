import type { Role } from '../app/http-app.ts';

const ratings: Readonly<Record<string, number>> = {
  dawn: 5,
  twist: 4,
  weft: 4,
  gauze: 5,
  loom: 3,
  selvedge: 4,
};

/** Stars by item. */
export const ratingsRole: Role = {
  name: 'ratings',
  routes: () => [
    { method: 'GET', path: '/ratings', handle: () => ({ status: 200, json: { ratings } }) },
    {
      method: 'GET',
      path: '/ratings/:item',
      handle: ({ params: { item = '' } }) => ({
        status: 200,
        json: { ratings: item in ratings ? { [item]: ratings[item] } : {} },
      }),
    },
  ],
};
