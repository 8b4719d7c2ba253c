import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collect = (options?: { readonly type: 'minor' }) => void;

let collect: Collect | undefined;

/**
 * Has V8 collect garbage now: what is young, for a few milliseconds, or `all`, for some 10 and more.
 * V8 would do so by itself when memory is allocated, which is just what a proxy does no more that
 * refuses everything: it would take what is long free for used, and go on refusing.
 */
export function collectGarbage(what: 'young' | 'all'): void {
  if (collect === undefined) {
    // The way to reach it in a process that was not started with the flag.
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as Collect;
  }
  if (what === 'all') collect();
  else collect({ type: 'minor' });
  // Buffers are given back beside the program, and counted as gone when the next collection begins.
  collect({ type: 'minor' });
}
