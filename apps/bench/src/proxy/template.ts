/** The committed configuration of a peer, with its ports and files filled in. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LenoError } from '@leno/std';

/** A template names what nobody gave a value for. */
export class TemplateError extends LenoError {
  readonly code = 'LENO_BENCH_TEMPLATE';
  readonly fault = 'mesh';
}

/** Replaces every `{{name}}` in `text`. Throws `TemplateError` for a name without a value. */
export function fillTemplate(
  text: string,
  values: Readonly<Record<string, string | number>>,
): string {
  return text.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new TemplateError(`no value for {{${name}}} in a template`);
    return String(value);
  });
}

/** Reads a template of `peers/`. */
export function readTemplate(file: string): string {
  return readFileSync(join(import.meta.dirname, 'peers', file), 'utf8');
}
