import type { MetricSpec } from './metric-family.ts';
import type { AnyFamily, MetricStore } from './metric-store.ts';

/** The content type of what `renderPrometheus` gives. */
export const prometheusContentType = 'text/plain; version=0.0.4; charset=utf-8';

/** Prometheus text format 0.0.4, whole. */
export function renderPrometheus(store: MetricStore): string {
  return [...prometheusChunks(store)].join('');
}

/**
 * The same in pieces of a few hundred series, so that a server can yield between them and a large
 * scrape never blocks requests for long. A family without series is left out.
 */
export function* prometheusChunks(store: MetricStore, linesPerChunk = 500): Generator<string> {
  let chunk: string[] = [];
  for (const line of allLines(store.collect())) {
    chunk.push(line);
    if (chunk.length < linesPerChunk) continue;
    yield chunk.join('');
    chunk = [];
  }
  if (chunk.length > 0) yield chunk.join('');
}

function* allLines(families: readonly AnyFamily[]): Generator<string> {
  for (const family of families) {
    if (family.seriesCount === 0) continue;
    yield familyHead(family.spec);
    yield* family.lines();
  }
}

/** The two lines before the series of a family. */
export function familyHead({ name, help, kind }: MetricSpec): string {
  return `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${kind}\n`;
}

/** In help texts backslash and line feed are escaped, double quotes are not. */
function escapeHelp(help: string): string {
  return help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}
