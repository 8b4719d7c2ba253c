import { afterEach } from 'vitest';

interface Closable {
  close(): unknown;
}

const open: Closable[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

/** Gives it back, and closes it after the test: what was opened last goes first. */
export function closing<T extends Closable>(each: T): T {
  open.push(each);
  return each;
}
