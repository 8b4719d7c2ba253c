/** What is called through the breakers: as little as can be awaited, so that their own cost shows. */

/** The call of all cases where nothing fails. */
// oxlint-disable-next-line typescript/require-await -- the promise of an async function is the point
export const work = async (): Promise<number> => 1;

/** One error for all failures: making it is no cost of a breaker. */
export const failure = new Error('as asked for');

/** The call of all cases where something fails. */
// oxlint-disable-next-line typescript/require-await -- as above
export const fail = async (): Promise<number> => {
  throw failure;
};

/** Longer than any run: an open breaker of a measurement stays open. */
export const FOR_EVER_MS = 2 ** 30;
