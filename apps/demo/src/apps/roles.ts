import type { Role } from '../app/http-app.ts';
import { cart } from './cart.ts';
import { catalog } from './catalog.ts';
import { inventory } from './inventory.ts';
import { legacyImporter } from './legacy-importer.ts';
import { notify } from './notify.ts';
import { orders } from './orders.ts';
import { payments } from './payments.ts';
import { ratingsRole } from './ratings.ts';
import { reviewsRole } from './reviews.ts';
import { shipping } from './shipping.ts';
import { storefront } from './storefront.ts';

/** Every role there is, by name. */
export const roles: ReadonlyMap<string, Role> = new Map(
  [
    storefront,
    catalog,
    reviewsRole,
    ratingsRole,
    cart,
    inventory,
    orders,
    payments,
    shipping,
    notify,
    legacyImporter,
  ].map((role) => [role.name, role]),
);
