/** What the apps of the fleet say to each other. */
import * as z from 'zod';

export const Product = z.object({
  id: z.string(),
  name: z.string(),
  origin: z.string(),
  notes: z.string(),
  /** Cents. */
  price: z.int(),
  /** Of the bag, as a CSS colour. */
  colour: z.string(),
});
export type Product = z.output<typeof Product>;

export const ProductList = z.object({ version: z.string(), products: z.array(Product) });
export type ProductList = z.output<typeof ProductList>;

export const Review = z.object({ item: z.string(), author: z.string(), text: z.string() });
export type Review = z.output<typeof Review>;

export const ReviewList = z.object({
  version: z.string(),
  /** How stars are painted, if at all. */
  stars: z.enum(['none', 'black', 'red']),
  reviews: z.array(Review),
  /** Stars by item, 1 to 5; empty where stars are `none`. */
  ratings: z.record(z.string(), z.number()),
});
export type ReviewList = z.output<typeof ReviewList>;

export const RatingList = z.object({ ratings: z.record(z.string(), z.number()) });

export const CartLine = z.object({ item: z.string(), quantity: z.int().min(1).max(99) });
export type CartLine = z.output<typeof CartLine>;

export const Cart = z.object({ session: z.string(), lines: z.array(CartLine) });
export type Cart = z.output<typeof Cart>;

export const OrderRequest = z.object({
  session: z.string(),
  lines: z.array(CartLine).min(1),
  /** Cents. */
  total: z.int().min(0),
});

export const Order = z.object({
  id: z.string(),
  total: z.int(),
  paidBy: z.string(),
  tracking: z.string(),
});
export type Order = z.output<typeof Order>;

export const Charge = z.object({ id: z.string(), version: z.string() });
export const Shipment = z.object({ tracking: z.string() });
