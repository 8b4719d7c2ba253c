/** Watches what the process under test uses, from its begin until a second after its end. */
import type { UsageLimits } from '../http/http2-frames-format.ts';
import type { Bed } from './bed.ts';
import type { Usage } from './proxy-process.ts';
import { pause } from './until.ts';

const STEP_MS = 20;
const AFTER_MS = 1_000;

export class UsageWatch {
  readonly #bed: Bed;
  readonly #start: Usage;
  readonly #watching: Promise<void>;
  #last: Usage;
  #peakMiB = 0;
  #isOver = false;

  private constructor(bed: Bed, start: Usage) {
    this.#bed = bed;
    this.#start = start;
    this.#last = start;
    this.#watching = this.#watch();
  }

  static async begin(bed: Bed): Promise<UsageWatch> {
    return new UsageWatch(bed, await bed.usage());
  }

  /** Which limit was passed, if one was. */
  async end(limits: UsageLimits): Promise<string | undefined> {
    await pause(AFTER_MS);
    this.#isOver = true;
    await this.#watching;
    const cpuMs = this.#last.cpuMs - this.#start.cpuMs;
    const rssMiB = Math.round(this.#peakMiB - this.#start.rssMiB);
    const { cpuMs: cpuMax = Number.POSITIVE_INFINITY, rssMiB: rssMax = Number.POSITIVE_INFINITY } =
      limits;
    if (cpuMs > cpuMax) return `${cpuMs} ms of CPU time, at most ${cpuMax}`;
    return rssMiB > rssMax ? `memory grew by ${rssMiB} MiB, at most ${rssMax}` : undefined;
  }

  async #watch(): Promise<void> {
    while (!this.#isOver) {
      await pause(STEP_MS);
      this.#last = await this.#bed.usage();
      this.#peakMiB = Math.max(this.#peakMiB, this.#last.rssMiB);
    }
  }
}
