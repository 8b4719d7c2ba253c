/** A mesh as the dashboard is told of it: the demo fleet, with one of each kind of trouble. */
const startedAtMs = 1_795_000_000_000;
const digest = `sha256:7f3a91bc${'0'.repeat(56)}`;

/** The frame of one second. */
export function frameAt(second: number): Record<string, unknown> {
  const nowMs = startedAtMs + 840_000 + second * 1_000;
  return {
    t: 'live',
    status: statusAt(second, nowMs),
    proxies: proxiesAt(nowMs),
    topology: { nowMs, windowS: 10, services: services(), edges: edges() },
    events:
      second === 0 ? [] : [eventAt(100 + second, nowMs, 'instance', 'info', 'cart', 'renewed')],
  };
}

/** What happened before the page was open. */
export function pastEvents(): Record<string, unknown> {
  const events = [
    eventAt(
      1,
      startedAtMs,
      'config',
      'info',
      'default/catalog',
      'v48 committed: HTTPRoute created',
    ),
    eventAt(2, startedAtMs + 900, 'proxy', 'error', 'catalog-2', 'rejected v48: weights sum to 90'),
    eventAt(
      3,
      startedAtMs + 9_000,
      'instance',
      'warning',
      'default/cart',
      'cart-1 lost: lease expired',
    ),
  ];
  return { events, next: 4 };
}

function statusAt(second: number, nowMs: number): Record<string, unknown> {
  return {
    trustDomain: 'mesh.local',
    build: '0.1.0',
    nowMs,
    startedAtMs,
    head: { epoch: 1, version: 48, digest },
    converged: false,
    convergence: { lastMs: 38 },
    proxies: { total: 5, connected: 4, synced: 2, pending: 1, rejected: 1, offline: 1 },
    services: 12,
    instances: { ready: 13, notReady: 1, suspect: 0 },
    traffic: {
      windowS: 10,
      rps: 180 + 40 * Math.sin(second / 5),
      successRatio: 0.99996,
      mtlsRatio: 0.9831,
      p50Ms: 2.1,
      p99Ms: 21 + 9 * Math.sin(second / 3),
    },
    ca: { leafTtlMs: 86_400_000 },
    alarms: [
      { code: 'LENO_CONFIG_REJECTED', message: 'catalog-2 rejects v48', sinceMs: nowMs - 12_000 },
    ],
  };
}

function proxiesAt(nowMs: number): readonly Record<string, unknown>[] {
  const base = {
    version: 'v1',
    config: { epoch: 1, version: 48, digest },
    certNotAfterMs: nowMs + 85_860_000,
    connectedSinceMs: nowMs - 840_000,
    lastSeenMs: nowMs,
    proxy: { rssMiB: 61.4, cpuRatio: 0.04 },
    rps: 58.2,
  };
  const rejected = {
    kind: 'rejected',
    version: 48,
    ageMs: 12_000,
    errors: [
      {
        type: 'route',
        name: 'default/catalog',
        path: 'rules[0].backends',
        msg: 'weights sum to 90, expected 100',
      },
    ],
  };
  const gone = { certNotAfterMs: nowMs - 1, connectedSinceMs: null, proxy: null, rps: null };
  return [
    {
      ...base,
      id: 'storefront-1',
      service: 'default/storefront',
      sync: { kind: 'synced', ageMs: 40 },
    },
    { ...base, id: 'catalog-1', service: 'default/catalog', sync: { kind: 'synced', ageMs: 38 } },
    { ...base, id: 'catalog-2', service: 'default/catalog', version: 'v2', sync: rejected },
    {
      ...base,
      id: 'orders-1',
      service: 'default/orders',
      sync: { kind: 'pending', ageMs: 900 },
      certNotAfterMs: nowMs + 1_200_000,
    },
    {
      ...base,
      ...gone,
      id: 'cart-1',
      service: 'default/cart',
      sync: { kind: 'offline', ageMs: 32_000 },
      lastSeenMs: nowMs - 32_000,
    },
  ];
}

function services(): readonly Record<string, unknown>[] {
  const instance = (id: string, health = 'ready') => {
    return { id, address: '127.0.0.1', port: 15_106, health, state: 'live' };
  };
  const traffic = { failureCount: 0, successRatio: 1, p50Ms: 1.9, p99Ms: 8.4 };
  return [
    {
      service: 'default/catalog',
      meshed: true,
      versions: [
        { version: 'v1', instances: [instance('catalog-1')], rps: 60, requestCount: 601 },
        {
          version: 'v2',
          instances: [instance('catalog-2', 'notReady')],
          rps: 60,
          requestCount: 601,
        },
      ],
      rps: 120.2,
      requestCount: 1_202,
      ...traffic,
    },
    {
      service: 'default/storefront',
      meshed: true,
      versions: [
        { version: 'v1', instances: [instance('storefront-1')], rps: 44, requestCount: 440 },
      ],
      rps: 44,
      requestCount: 440,
      ...traffic,
    },
    {
      service: 'default/legacy',
      meshed: false,
      versions: [],
      rps: 0,
      requestCount: 0,
      failureCount: 0,
      successRatio: null,
      p50Ms: null,
      p99Ms: null,
    },
  ];
}

function edges(): readonly Record<string, unknown>[] {
  const base = {
    requestCount: 1_202,
    failureCount: 0,
    rps: 120.2,
    successRatio: 1,
    mtlsRatio: 1,
    retries: 0,
    p50Ms: 2.1,
    p99Ms: 20.6,
    reportedBy: 'source',
  };
  const v1 = [{ version: 'v1', requestCount: 400 }];
  return [
    {
      ...base,
      source: 'default/storefront',
      target: 'default/catalog',
      versions: [
        { version: 'v1', requestCount: 602 },
        { version: 'v2', requestCount: 600 },
      ],
    },
    {
      ...base,
      source: 'default/storefront',
      target: 'default/reviews',
      versions: ['v1', 'v2', 'v3'].map((version) => ({ version, requestCount: 133 })),
      rps: 40,
      retries: 2,
      successRatio: 0.9969,
    },
    {
      ...base,
      source: 'default/orders',
      target: 'default/payments',
      versions: v1,
      rps: 9.1,
      successRatio: 0.714,
      p50Ms: 310,
      p99Ms: 1_020,
      retries: 1_240,
    },
    {
      ...base,
      source: 'unknown',
      target: 'default/inventory',
      versions: v1,
      rps: 2,
      mtlsRatio: 0,
      reportedBy: 'target',
    },
    {
      ...base,
      source: 'default/orders',
      target: 'default/notify',
      versions: [],
      rps: 0,
      requestCount: 0,
      successRatio: null,
      mtlsRatio: null,
      p50Ms: null,
      p99Ms: null,
    },
  ];
}

function eventAt(...of: [number, number, string, string, string, string]): Record<string, unknown> {
  const [seq, atMs, kind, severity, subject, message] = of;
  return { seq, atMs, kind, severity, subject, message };
}
