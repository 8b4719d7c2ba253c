/** The pages of the shop, as markup. They show on purpose which versions answered. */
import { type Html, html } from '../app/html.ts';
import type { Order, Product, ProductList, ReviewList } from './shapes.ts';
import { style } from './storefront-style.ts';

/** A cup over a twisted pair of threads. */
const cup: Html = {
  markup:
    '<svg viewBox="0 0 48 48" fill="none" stroke="currentColor" stroke-width="2.6" ' +
    'stroke-linecap="round" aria-hidden="true"><path d="M9 19h26v8a13 13 0 0 1-26 0zM35 21h2a5 5 0 0 1 ' +
    '0 10h-2.600"/><path d="M17 4c6 4-4 6 2 10M25 4c-6 4 4 6-2 10"/><path d="M8 44h28"/></svg>',
};

/** The page around a page. */
function page(title: string, body: Html): string {
  const sheet: Html = { markup: style };
  const icon =
    "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'>" +
    "<text y='13' font-size='13'>☕</text></svg>";
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Leno Coffee</title>
<link rel="icon" href="${icon}">
<style>${sheet}</style>
</head>
<body>
<header><a href="/">${cup}</a><a class="brand" href="/">Leno Coffee</a><a class="cart" href="/cart">Cart</a></header>
<main>${body}</main>
</body>
</html>
`.markup;
}

/** The front page: everything that is for sale. `reviews` is undefined if they could not be had. */
export function homePage(catalog: ProductList, reviews: ReviewList | undefined): string {
  const cards = catalog.products.map((it) => card(it, catalog.version, reviews));
  const body = html`<h1>Coffee, woven well</h1>
<p class="lead">Small lots from six places. Reload a few times: the shop is being changed while you look.</p>
<div class="grid">${cards}</div>
${answeredBy(catalog.version, reviews)}`;
  return page('Shop', body);
}

/** One product with what people say of it. */
export function itemPage(catalog: ProductList, reviews: ReviewList | undefined): string {
  const [product] = catalog.products;
  if (product === undefined) return errorPage('We have no such coffee.');
  const quotes = (reviews?.reviews ?? []).map(
    (it) => html`<blockquote>${it.text} <span class="soft">— ${it.author}</span></blockquote>`,
  );
  const body = html`<h1>${product.name}</h1>
<p class="lead">${product.origin}</p>
<div class="grid">${card(product, catalog.version, reviews)}<div>${quotes}</div></div>
${answeredBy(catalog.version, reviews)}`;
  return page(product.name, body);
}

/** What is in the cart, with the prices of now. */
export function cartPage(lines: readonly PricedLine[]): string {
  const rows = lines.map(
    (it) => html`<tr><td>${it.name}</td><td>${it.quantity}</td><td>${money(it.total)}</td></tr>`,
  );
  const total = lines.reduce((sum, it) => sum + it.total, 0);
  const filled = html`<table><tr><th>Coffee</th><th>Bags</th><th>Price</th></tr>${rows}
<tr><th>Total</th><th></th><th>${money(total)}</th></tr></table>
<p class="row"><form method="post" action="/checkout"><button id="buy">Buy</button></form></p>`;
  const empty = html`<p>Nothing yet. <a href="/">Have a look around.</a></p>`;
  return page('Cart', html`<h1>Your cart</h1>${lines.length === 0 ? empty : filled}`);
}

/** A line of the cart with its price in cents. */
export interface PricedLine {
  readonly name: string;
  readonly quantity: number;
  readonly total: number;
}

/** The order went through. */
export function orderPage(order: Order): string {
  const body = html`<h1>Thank you</h1>
<p class="lead">${money(order.total)} charged by ${order.paidBy}. Your parcel is <code>${order.tracking}</code>.</p>
<p><a href="/">Back to the shop</a></p>`;
  return page('Thank you', body);
}

/** Something that was needed failed. */
export function errorPage(why: string): string {
  return page(
    'Sorry',
    html`<h1>Sorry</h1><p class="lead">${why}</p><p><a href="/">Try again</a></p>`,
  );
}

function card(product: Product, version: string, reviews: ReviewList | undefined): Html {
  const isSale = version === 'v2';
  const price = html`<span class="price ${isSale ? 'sale' : ''}">${money(product.price)}</span>`;
  const badge = isSale ? html`<span class="badge">v2 price</span>` : html``;
  return html`<article class="card" data-catalog="${version}">
<div class="bag" style="background:${product.colour}">${cup}</div>
<h2><a href="/items/${product.id}">${product.name}</a></h2>
<div class="soft">${product.origin} · ${product.notes}</div>
${stars(product.id, reviews)}
<div class="row">${price}${badge}<form method="post" action="/cart">
<input type="hidden" name="item" value="${product.id}"><button>Add</button></form></div>
</article>`;
}

/** None, black or red, as the version of reviews has it. */
function stars(item: string, reviews: ReviewList | undefined): Html {
  const rating = reviews?.ratings[item];
  if (reviews === undefined) return html`<div class="soft">no reviews at the moment</div>`;
  if (reviews.stars === 'none' || rating === undefined) return html``;
  const label = `${rating} of 5 stars`;
  const painted = '★'.repeat(rating) + '☆'.repeat(5 - rating);
  return html`<div class="stars ${reviews.stars}" role="img" aria-label="${label}">${painted}</div>`;
}

function answeredBy(catalog: string, reviews: ReviewList | undefined): Html {
  const other = reviews === undefined ? 'nobody' : `reviews ${reviews.version}`;
  return html`<footer>Answered by <code>catalog ${catalog}</code> and <code>${other}</code></footer>`;
}

function money(cents: number): string {
  return `$${(cents / 100).toFixed(2)}`;
}
