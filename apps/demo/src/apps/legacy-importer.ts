import type { AppContext, Role } from '../app/http-app.ts';
import { products } from './products.ts';

const periodMs = 500;

/**
 * The program that nobody dares to touch: it has no sidecar and talks to inventory in plaintext, twice
 * a second. `POST /pause` ends that, so that counts can be compared.
 */
export const legacyImporter: Role = {
  name: 'legacy-importer',
  routes: (context) => {
    const timer = setInterval(() => deliver(context), periodMs);
    timer.unref();
    const pause = () => {
      clearInterval(timer);
      return { status: 200, json: { paused: true } };
    };
    return [{ method: 'POST', path: '/pause', handle: pause }];
  },
};

function deliver({ caller, rng }: AppContext): void {
  const item = products[Math.floor(rng() * products.length)]?.id ?? 'dawn';
  const json = { item, quantity: 1 };
  const call = { service: 'inventory', path: '/deliveries', method: 'POST', json } as const;
  caller.call({}, call).catch(() => undefined); // It has always lost some.
}
