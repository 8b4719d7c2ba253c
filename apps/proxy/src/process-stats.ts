import { systemClock } from '@leno/std';

/** What the process itself costs, since it was last asked. */
export class ProcessStats {
  #cpu = process.cpuUsage();
  #atMs = systemClock.nowMs();

  take(): { readonly rssMiB: number; readonly cpuRatio: number } {
    const nowMs = systemClock.nowMs();
    const { user, system } = process.cpuUsage(this.#cpu);
    const elapsedMs = Math.max(1, nowMs - this.#atMs);
    this.#cpu = process.cpuUsage();
    this.#atMs = nowMs;
    return {
      rssMiB: Math.round((process.memoryUsage.rss() / 1_048_576) * 10) / 10,
      cpuRatio: (user + system) / 1_000 / elapsedMs,
    };
  }
}
