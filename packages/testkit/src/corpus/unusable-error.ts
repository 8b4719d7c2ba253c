/** A file, or what the runner was told, cannot be used: the run ends before any case is played. */
export class UnusableError extends Error {}
