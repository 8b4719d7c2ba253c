import type { Role } from '../app/http-app.ts';

/** Would write to the customer. */
export const notify: Role = {
  name: 'notify',
  routes: () => [
    { method: 'POST', path: '/notes', handle: () => ({ status: 202, json: { queued: true } }) },
  ],
};
