import type { Role } from '../app/http-app.ts';

/** Sends parcels. */
export const shipping: Role = {
  name: 'shipping',
  routes: ({ rng }) => [
    {
      method: 'POST',
      path: '/shipments',
      handle: () => {
        const tracking = `LC${Math.floor(rng() * 1e9)
          .toString()
          .padStart(9, '0')}`;
        return { status: 201, json: { tracking } };
      },
    },
  ],
};
