/** Leno Coffee on one page: which apps run in which versions, and who calls whom. */

/** One app with its sidecar. */
export interface Instance {
  readonly id: string;
  readonly role: string;
  readonly version: string;
}

const versions: Readonly<Record<string, readonly string[]>> = {
  storefront: ['v1'],
  catalog: ['v1', 'v2'],
  reviews: ['v1', 'v2', 'v3'],
  ratings: ['v1'],
  cart: ['v1'],
  inventory: ['v1'],
  orders: ['v1'],
  payments: ['v1', 'v2'],
  shipping: ['v1'],
  notify: ['v1'],
};

/** The fourteen of the mesh. */
export const instances: readonly Instance[] = Object.entries(versions).flatMap(([role, all]) =>
  all.map((version) => ({ id: `${role}-${version}`, role, version })),
);

/** How many services there are. */
export const serviceCount = Object.keys(versions).length;

/** The one without a sidecar, and whom it calls. */
export const legacy = { role: 'legacy-importer', target: 'inventory' } as const;

/** A caller and whom it calls. */
export interface Edge {
  readonly source: string;
  readonly target: string;
  /** `mesh` goes through two sidecars; `plain` has none at its source; `outside` has none at all. */
  readonly kind: 'mesh' | 'plain' | 'outside';
}

/** The name under which the load generator is known to the shop. */
export const visitor = 'visitor';

/** Every way that a request can take. */
export const edges: readonly Edge[] = [
  { source: visitor, target: 'storefront', kind: 'outside' },
  { source: 'storefront', target: 'catalog', kind: 'mesh' },
  { source: 'storefront', target: 'reviews', kind: 'mesh' },
  { source: 'storefront', target: 'cart', kind: 'mesh' },
  { source: 'storefront', target: 'orders', kind: 'mesh' },
  { source: 'reviews', target: 'ratings', kind: 'mesh' },
  { source: 'cart', target: 'inventory', kind: 'mesh' },
  { source: 'orders', target: 'payments', kind: 'mesh' },
  { source: 'orders', target: 'shipping', kind: 'mesh' },
  { source: 'orders', target: 'notify', kind: 'mesh' },
  { source: legacy.role, target: legacy.target, kind: 'plain' },
];
