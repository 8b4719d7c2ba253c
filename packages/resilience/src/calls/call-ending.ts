/** How a function ended, as classifiers see it. */
export type CallEnding =
  | { readonly kind: 'returned'; readonly value: unknown }
  | { readonly kind: 'thrown'; readonly thrown: unknown };

/** What an ending says of the service: `rateOnly` is its 429, `ignored` says nothing. */
export type CallOutcome = 'success' | 'failure' | 'rateOnly' | 'ignored';
