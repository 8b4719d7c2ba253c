/** Field lines of a message as they came, and demands on them. */
import type { z } from 'zod';
import type { fieldDemands } from './seen-format.ts';

/** Name and value, the value without blanks at its ends; in the order of the message. */
export type FieldLine = readonly [name: string, value: string];

type Demands = {
  readonly [Name in keyof typeof fieldDemands]?: z.output<(typeof fieldDemands)[Name]>;
};

export interface FieldClaims extends Demands {
  readonly headersIfPresent?: Readonly<Record<string, string>> | undefined;
}

/** Values of the lines of this name. */
export function valuesOf(fields: readonly FieldLine[], name: string): readonly string[] {
  const wanted = name.toLowerCase();
  return fields.flatMap(([its, value]) => (its.toLowerCase() === wanted ? [value] : []));
}

/** The first demand that is not met. `{CLIENT}` stands for the address of the client. */
export function fieldsDiffer(
  message: { readonly fields: readonly FieldLine[]; readonly trailers: readonly FieldLine[] },
  claims: FieldClaims,
  client: string,
): string | undefined {
  const { fields, trailers } = message;
  const filled = (text: string): string => text.replaceAll('{CLIENT}', client);
  const pattern = (text: string): RegExp =>
    new RegExp(text.replaceAll('{CLIENT}', client.replaceAll('.', String.raw`\.`)));
  for (const [name, value] of Object.entries(claims.headers ?? {})) {
    const is = valuesOf(fields, name);
    if (is.length !== 1 || is[0] !== filled(value).trim()) return said(name, is, `once ${value}`);
  }
  for (const [name, values] of Object.entries(claims.headerLines ?? {})) {
    const is = valuesOf(fields, name);
    const should = values.map((it) => filled(it).trim());
    const same = is.length === should.length && is.every((it, at) => it === should[at]);
    if (!same) return said(name, is, `the lines ${JSON.stringify(should)}`);
  }
  for (const [name, text] of Object.entries(claims.headersMatch ?? {})) {
    const is = valuesOf(fields, name);
    if (is.length === 0 || !is.every((it) => pattern(text).test(it))) return said(name, is, text);
  }
  for (const [name, text] of Object.entries(claims.headersIfPresent ?? {})) {
    const is = valuesOf(fields, name);
    if (!is.every((it) => pattern(text).test(it))) return said(name, is, `absent or ${text}`);
  }
  for (const name of claims.absentHeaders ?? []) {
    if (valuesOf(fields, name).length > 0) return `header ${name} is there`;
  }
  for (const name of claims.absentTrailers ?? []) {
    if (valuesOf(trailers, name).length > 0) return `trailer ${name} is there`;
  }
  return undefined;
}

function said(name: string, is: readonly string[], should: string): string {
  return `header ${name} is ${JSON.stringify(is)}, not ${should}`;
}
