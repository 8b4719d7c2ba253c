import { err, ok, type Result } from '@leno/std';
import type { Sample } from './metric-family.ts';

const linePattern = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)(?: (-?\d+))?$/;
const labelPattern = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)/y;

/**
 * Reads Prometheus text format 0.0.4 as Leno's own programs write it: for tools that look at a
 * proxy's metrics. Strict: the error names the line that is wrong.
 */
export function parsePrometheus(text: string): Result<Sample[], string> {
  const samples: Sample[] = [];
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const match = linePattern.exec(line);
    const labels = match === null ? undefined : parseLabels(match[2] ?? '');
    const value = parseNumber(match?.[3] ?? '');
    if (labels === undefined || value === undefined) return err(`not a sample: ${line}`);
    samples.push({ name: match?.[1] ?? '', labels, value });
  }
  return ok(samples);
}

function parseLabels(text: string): Record<string, string> | undefined {
  const labels: Record<string, string> = {};
  labelPattern.lastIndex = 0;
  for (let at = 0; at < text.length; at = labelPattern.lastIndex) {
    const match = labelPattern.exec(text);
    if (match === null) return undefined;
    const [, name = '', value = ''] = match;
    if (name in labels) return undefined;
    labels[name] = value.replace(/\\(.)/g, (_, it: string) => (it === 'n' ? '\n' : it));
  }
  return labels;
}

function parseNumber(text: string): number | undefined {
  if (text === '+Inf' || text === '-Inf') return text === '+Inf' ? Infinity : -Infinity;
  if (text === 'NaN') return Number.NaN;
  const value = Number(text);
  return text === '' || Number.isNaN(value) ? undefined : value;
}
