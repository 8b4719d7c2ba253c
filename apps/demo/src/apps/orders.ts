import { randomUUID } from 'node:crypto';
import type { Role } from '../app/http-app.ts';
import { Charge, OrderRequest, Shipment } from './shapes.ts';

/** Takes an order: payment, then shipment, then a note to the customer that may fail. */
export const orders: Role = {
  name: 'orders',
  routes: ({ caller }) => [
    {
      method: 'POST',
      path: '/orders',
      handle: async ({ headers, body }) => {
        const order = OrderRequest.safeParse(JSON.parse(body));
        if (!order.success) return { status: 400, json: { error: 'not an order' } };
        const id = randomUUID();
        const paid = await caller.call(headers, {
          service: 'payments',
          path: '/charges',
          method: 'POST',
          json: { order: id, amount: order.data.total },
          headers: { 'idempotency-key': id },
        });
        const sent = await caller.call(headers, {
          service: 'shipping',
          path: '/shipments',
          method: 'POST',
          json: { order: id, lines: order.data.lines },
        });
        const note = {
          service: 'notify',
          path: '/notes',
          method: 'POST',
          json: { order: id },
        } as const;
        caller.call(headers, note).catch(() => undefined); // The order stands without it.
        const { version } = Charge.parse(paid.json);
        const { tracking } = Shipment.parse(sent.json);
        return {
          status: 201,
          json: { id, total: order.data.total, paidBy: `payments ${version}`, tracking },
        };
      },
    },
  ],
};
