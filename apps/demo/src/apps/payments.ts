import { randomUUID } from 'node:crypto';
import type { Role } from '../app/http-app.ts';

const chargeCountMax = 5_000;

/** Charges. The same `Idempotency-Key` is charged once, so a retry is safe. */
export const payments: Role = {
  name: 'payments',
  routes: ({ version }) => {
    const charges = new Map<string, string>();
    return [
      {
        method: 'POST',
        path: '/charges',
        handle: ({ headers }) => {
          const key = String(headers['idempotency-key'] ?? randomUUID());
          const id = charges.get(key) ?? randomUUID();
          charges.set(key, id);
          if (charges.size > chargeCountMax) charges.delete(charges.keys().next().value ?? '');
          return { status: 201, json: { id, version } };
        },
      },
    ];
  },
};
