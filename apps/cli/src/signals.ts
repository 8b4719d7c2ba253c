import type { RunningProcess } from '@leno/std/node';

/** Resolves at the first SIGINT or SIGTERM. */
export function nextSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
}

/** Keeps a child in the foreground: passes the end on, and takes over its exit code. */
export async function untilStopped(running: RunningProcess): Promise<void> {
  const stopped = nextSignal().then(() => running.stop({ graceMs: 30_000 }));
  const { code } = await Promise.race([stopped, running.exited]);
  process.exitCode = code ?? 1;
}
