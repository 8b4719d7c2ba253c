import type { BodySink } from '@leno/http';

/** Takes everything and does nothing; nobody may wait for it to drain. */
export const inertBody: BodySink = Object.freeze({
  get onDrain() {
    return undefined;
  },
  set onDrain(_listener: (() => void) | undefined) {
    // It is never full.
  },
  write: () => true,
  end: () => undefined,
  abort: () => undefined,
});
