import { closing } from './closing.ts';
import { type GrpcApplication, openGrpcApplication } from './grpc-ends.ts';
import { openProxy, type ProxyBed } from './proxy-bed.ts';
import { endpoint } from './views.ts';

/** Two sidecars, and the application behind the second. */
export interface GrpcPair {
  readonly web: ProxyBed;
  readonly shop: ProxyBed;
  readonly app: GrpcApplication;
}

/** `web` calls `shop` under `policy`; the application of `shop` speaks h2c. Closed after the test. */
export async function openGrpcPair(
  serve?: Parameters<typeof openGrpcApplication>[0],
  policy: object = {},
): Promise<GrpcPair> {
  const app = closing(await openGrpcApplication(serve));
  const shop = closing(await openProxy('shop', app.port, { applicationProtocol: 'h2c' }));
  shop.apply({});
  const web = closing(await openProxy('web'));
  const services = { shop: [endpoint(shop.inboundPort, 'shop')] };
  web.apply({ services, policies: { shop: policy } });
  return { web, shop, app };
}
