import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { ServiceFailedError } from '../app/call.ts';
import type { AppContext, Role } from '../app/http-app.ts';
import type { AppReply, AppRequest } from '../app/router.ts';
import { Cart, type CartLine, Order, ProductList, ReviewList } from './shapes.ts';
import {
  cartPage,
  errorPage,
  homePage,
  itemPage,
  orderPage,
  type PricedLine,
} from './storefront-page.ts';

const pageHeaders = {
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'",
  'cache-control': 'no-store',
};

/** The shop itself: asks the others and shows what they say. Without reviews it sells all the same. */
export const storefront: Role = {
  name: 'storefront',
  routes: (context) => {
    const shop = new Shop(context);
    const route = (method: string, path: string, show: (request: Visit) => Promise<AppReply>) => ({
      method,
      path,
      handle: (request: AppRequest) => visited(request, show),
    });
    return [
      route('GET', '/', (visit) => shop.home(visit)),
      route('GET', '/items/:id', (visit) => shop.item(visit)),
      route('GET', '/cart', (visit) => shop.cart(visit)),
      route('POST', '/cart', (visit) => shop.add(visit)),
      route('POST', '/checkout', (visit) => shop.checkout(visit)),
    ];
  },
};

/** A request of a visitor: with a session, and with a request id even if the browser sent none. */
interface Visit extends AppRequest {
  readonly session: string;
}

class Shop {
  readonly #context: AppContext;

  constructor(context: AppContext) {
    this.#context = context;
  }

  async home(visit: Visit): Promise<AppReply> {
    const [catalog, reviews] = await Promise.all([
      this.#products(visit.headers, '/products'),
      this.#reviews(visit.headers, '/reviews'),
    ]);
    return page(homePage(catalog, reviews));
  }

  async item(visit: Visit): Promise<AppReply> {
    const id = encodeURIComponent(visit.params['id'] ?? '');
    const [catalog, reviews] = await Promise.all([
      this.#products(visit.headers, `/products/${id}`),
      this.#reviews(visit.headers, `/reviews?item=${id}`),
    ]);
    return page(itemPage(catalog, reviews), catalog.products.length === 0 ? 404 : 200);
  }

  async cart(visit: Visit): Promise<AppReply> {
    return page(cartPage(await this.#priced(visit)));
  }

  async add(visit: Visit): Promise<AppReply> {
    const form = new URLSearchParams(visit.body);
    const json = { item: form.get('item') ?? '', quantity: Number(form.get('quantity') ?? 1) };
    const path = `${cartPath(visit)}/lines`;
    const call = { service: 'cart', path, method: 'POST', json } as const;
    const reply = await this.#context.caller.call(visit.headers, call);
    if (reply.status !== 200) return page(errorPage('We could not put that into your cart.'), 409);
    return { status: 303, headers: { location: '/cart' }, text: '' };
  }

  async checkout(visit: Visit): Promise<AppReply> {
    const lines = await this.#lines(visit);
    if (lines.length === 0) return page(errorPage('Your cart is empty.'), 409);
    const total = (await this.#price(visit, lines)).reduce((sum, it) => sum + it.total, 0);
    const { caller } = this.#context;
    const placed = await caller.call(visit.headers, {
      service: 'orders',
      path: '/orders',
      method: 'POST',
      json: { session: visit.session, lines, total },
    });
    const empty = { service: 'cart', path: cartPath(visit), method: 'DELETE' } as const;
    await caller.call(visit.headers, empty);
    return page(orderPage(Order.parse(placed.json)));
  }

  async #priced(visit: Visit): Promise<PricedLine[]> {
    const lines = await this.#lines(visit);
    return lines.length === 0 ? [] : this.#price(visit, lines);
  }

  async #lines(visit: Visit): Promise<CartLine[]> {
    const call = { service: 'cart', path: cartPath(visit) };
    return Cart.parse((await this.#context.caller.call(visit.headers, call)).json).lines;
  }

  async #price(visit: Visit, lines: readonly CartLine[]): Promise<PricedLine[]> {
    const { products } = await this.#products(visit.headers, '/products');
    const byId = new Map(products.map((it) => [it.id, it]));
    return lines.map(({ item, quantity }) => ({
      name: byId.get(item)?.name ?? item,
      quantity,
      total: (byId.get(item)?.price ?? 0) * quantity,
    }));
  }

  async #products(headers: IncomingHttpHeaders, path: string): Promise<ProductList> {
    return ProductList.parse(
      (await this.#context.caller.call(headers, { service: 'catalog', path })).json,
    );
  }

  /** Undefined if they cannot be had: the shop sells without them. */
  async #reviews(headers: IncomingHttpHeaders, path: string): Promise<ReviewList | undefined> {
    try {
      const reply = await this.#context.caller.call(headers, { service: 'reviews', path });
      return ReviewList.parse(reply.json);
    } catch (thrown) {
      if (thrown instanceof ServiceFailedError) return undefined;
      throw thrown;
    }
  }
}

/** Gives every visitor a session cookie, and shows a page where something that was needed failed. */
async function visited(
  request: AppRequest,
  show: (visit: Visit) => Promise<AppReply>,
): Promise<AppReply> {
  const known = /(?:^|; )session=([\w.-]{1,64})/.exec(request.headers.cookie ?? '')?.[1];
  const session = known ?? randomUUID();
  const id = request.headers['x-request-id'] ?? `web.${randomUUID()}`;
  const visit = { ...request, session, headers: { ...request.headers, 'x-request-id': id } };
  const reply = await show(visit).catch((thrown: unknown) => {
    if (!(thrown instanceof ServiceFailedError)) throw thrown;
    return page(errorPage(`${thrown.service} does not answer at the moment.`), 502);
  });
  if (known !== undefined) return reply;
  const cookie = `session=${session}; Path=/; HttpOnly; SameSite=Lax`;
  return { ...reply, headers: { ...reply.headers, 'set-cookie': cookie } };
}

function page(text: string, status = 200): AppReply {
  return { status, text, headers: pageHeaders };
}

function cartPath(visit: Visit): string {
  return `/carts/${encodeURIComponent(visit.session)}`;
}
