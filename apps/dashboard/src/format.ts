/** How figures read. Absent ones are a dash; nothing is rounded to look better than it is. */
export const absent = '–';

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** A share as a percentage, rounded down: 99.996 % is not 100 %. */
export function percent(ratio: number | null): string {
  if (ratio === null) return absent;
  if (ratio >= 1) return '100%';
  return `${(Math.floor(ratio * 10_000 + 1e-6) / 100).toFixed(2)}%`;
}

/** A latency: `0.8 ms`, `21 ms`, `1.02 s`. */
export function latency(ms: number | null): string {
  if (ms === null) return absent;
  if (ms >= secondMs) return `${(ms / secondMs).toFixed(2)} s`;
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

/** Requests per second: a decimal for the slow ones, thousands apart. */
export function rate(rps: number | null): string {
  if (rps === null) return absent;
  return rps < 10 ? rps.toFixed(1) : count(Math.round(rps));
}

/** A whole number, with its thousands apart. */
export function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

/** A span of time in its two largest units: `40 ms`, `12 s`, `5m 3s`, `23h 51m`, `12 d`. */
export function span(ms: number): string {
  if (ms < secondMs) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < minuteMs) return `${Math.floor(ms / secondMs)} s`;
  if (ms < hourMs)
    return `${Math.floor(ms / minuteMs)}m ${Math.floor((ms % minuteMs) / secondMs)}s`;
  if (ms < 2 * dayMs) return `${Math.floor(ms / hourMs)}h ${Math.floor((ms % hourMs) / minuteMs)}m`;
  return `${Math.floor(ms / dayMs)} d`;
}

/** The first characters of a digest, without the name of its algorithm. */
export function shortDigest(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, 7);
}

/** `default/catalog` is known as `catalog`; other namespaces are said. */
export function serviceName(name: string): string {
  return name.replace(/^default\//, '');
}

/** The time of day by the reader's clock. */
export function timeOfDay(atMs: number): string {
  return new Date(atMs).toLocaleTimeString('en-GB');
}
