/**
 * How to start Node for a process of which there are many on a machine, as sidecars, so that it stays
 * small under load. Neither can be set from within: V8 and the allocator read them before any program runs.
 */
export const smallProcess: {
  /** For the command line, before the program; also fit for `NODE_OPTIONS`. */
  readonly args: readonly string[];
  /** For the environment; what a user has set there should win. */
  readonly env: Readonly<Record<string, string>>;
} = {
  // Young objects get two times 4 MiB, not 16: what is made for a request is dead long before that is full.
  args: ['--max-semi-space-size=4'],
  // One heap of glibc for all threads: the few beside the main one need none of their own to keep free pages in.
  env: { MALLOC_ARENA_MAX: '1' },
};
