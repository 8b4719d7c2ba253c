/** How a function ended, as classifiers see it. */
export type CallEnding =
  | { readonly kind: 'returned'; readonly value: unknown }
  | { readonly kind: 'thrown'; readonly thrown: unknown };
