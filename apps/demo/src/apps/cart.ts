import type { Role } from '../app/http-app.ts';
import { type Cart, CartLine } from './shapes.ts';

const cartCountMax = 5_000;
const lineCountMax = 20;

/** The carts of all sessions, the oldest forgotten first. Asks inventory before it adds. */
export const cart: Role = {
  name: 'cart',
  routes: ({ caller }) => {
    const carts = new Map<string, CartLine[]>();
    const show = (session: string): Cart => ({ session, lines: carts.get(session) ?? [] });
    return [
      {
        method: 'GET',
        path: '/carts/:session',
        handle: ({ params: { session = '' } }) => ({ status: 200, json: show(session) }),
      },
      {
        method: 'DELETE',
        path: '/carts/:session',
        handle: ({ params: { session = '' } }) => {
          carts.delete(session);
          return { status: 200, json: show(session) };
        },
      },
      {
        method: 'POST',
        path: '/carts/:session/lines',
        handle: async ({ params: { session = '' }, headers, body }) => {
          const line = CartLine.safeParse(JSON.parse(body));
          if (!line.success) return { status: 400, json: { error: 'not a cart line' } };
          const reply = await caller.call(headers, {
            service: 'inventory',
            path: '/reservations',
            method: 'POST',
            json: line.data,
          });
          if (reply.status !== 200) return { status: 409, json: { error: 'out of stock' } };
          const lines = (carts.get(session) ?? []).filter((it) => it.item !== line.data.item);
          carts.delete(session); // So that the order of the map is that of last use.
          carts.set(session, [...lines, line.data].slice(-lineCountMax));
          if (carts.size > cartCountMax) carts.delete(carts.keys().next().value ?? '');
          return { status: 200, json: show(session) };
        },
      },
    ];
  },
};
