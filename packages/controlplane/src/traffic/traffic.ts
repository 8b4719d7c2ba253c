/**
 * The traffic of the mesh as its proxies report it: one series for each edge, side and version,
 * bounded, from which edges and services are added up when somebody looks.
 */

import type { StatBody } from './stat.ts';
import { addSum, emptySum, ringSeconds, TrafficSeries, type TrafficSum } from './traffic-series.ts';

/** Where a service that presents no certificate comes from. */
export const unknownPeer = 'unknown';

/** Who saw it: the proxy of the caller, or that of the called. */
export type ReportSide = 'source' | 'target';

/** Which requests a series counts. `version` is that of the endpoint, '' if it is not known. */
export interface SeriesKey {
  readonly source: string;
  readonly target: string;
  readonly side: ReportSide;
  readonly version: string;
}

interface Series extends SeriesKey {
  readonly series: TrafficSeries;
}

/** Sums of one series over a window. */
export interface SeriesReport extends SeriesKey {
  readonly window: TrafficSum;
  readonly total: Readonly<TrafficSum>;
}

/** Series that are kept where nothing else is said; 2,000 are 48 MB at most. */
export const seriesCountMax = 2_000;

/** See the head of this file. */
export class Traffic {
  readonly #series = new Map<string, Series>();
  readonly #countMax: number;
  #overflowCount = 0;

  constructor(countMax = seriesCountMax) {
    this.#countMax = countMax;
  }

  get seriesCount(): number {
    return this.#series.size;
  }

  /** Reports that found no room: the metric of the bound. */
  get overflowCount(): number {
    return this.#overflowCount;
  }

  /** Takes one report. `second` is the server's own, so that no proxy's clock can disturb it. */
  add(body: StatBody, second: number): void {
    for (const it of body.requests) {
      const outbound = it.direction === 'outbound';
      const key: SeriesKey = {
        source: outbound ? body.service : it.peer,
        target: outbound ? it.peer : body.service,
        side: outbound ? 'source' : 'target',
        version: outbound ? (it.peerVersion ?? '') : body.version,
      };
      this.#seriesOf(key, second)?.add(it, second);
    }
  }

  /** All series that have anything in the ring or in total. */
  report(second: number, windowS: number): SeriesReport[] {
    return [...this.#series.values()].map(({ series, ...key }) => ({
      ...key,
      window: series.sum(second, windowS),
      total: series.total,
    }));
  }

  #seriesOf(key: SeriesKey, second: number): TrafficSeries | undefined {
    const id = `${key.source}|${key.target}|${key.side}|${key.version}`;
    const known = this.#series.get(id);
    if (known !== undefined) return known.series;
    if (this.#series.size >= this.#countMax && !this.#evictIdle(second)) {
      this.#overflowCount += 1;
      return undefined;
    }
    const series = new TrafficSeries(second);
    this.#series.set(id, { ...key, series });
    return series;
  }

  /** Makes room by the series that has been silent for longest, if its ring has run empty. */
  #evictIdle(second: number): boolean {
    let idlest: { readonly id: string; readonly newest: number } | undefined;
    for (const [id, { series }] of this.#series) {
      const newest = series.newestSecond;
      if (newest < (idlest?.newest ?? second - ringSeconds)) idlest = { id, newest };
    }
    return idlest !== undefined && this.#series.delete(idlest.id);
  }
}

/** The sum of many. */
export function sumOf(sums: readonly Readonly<TrafficSum>[]): TrafficSum {
  const sum = emptySum();
  for (const it of sums) addSum(sum, it);
  return sum;
}
