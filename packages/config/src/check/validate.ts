/** Schema and sense of single documents; what needs the whole set is in `analyze`. */
import { err, ok, type Result } from '@leno/std';
import type { Fault, Finding } from '../findings/finding.ts';
import { findingOf } from '../findings/finding.ts';
import { nearestName } from '../findings/nearest.ts';
import { type ConfigObject, jsonSchemaOf, kinds, objectName } from '../kinds/kind.ts';
import type { ConfigDocument } from '../text/config-document.ts';
import { checkObject } from './check-object.ts';
import { schemaFaults } from './schema-faults.ts';

/** An object, and the document it came from if it came from a text. */
export interface ConfigEntry {
  readonly object: ConfigObject;
  readonly document?: ConfigDocument;
}

/** The objects that could be read, and everything that was found. */
export interface Validated {
  /** Also those with findings, as long as their shape is right. */
  readonly entries: readonly ConfigEntry[];
  readonly findings: readonly Finding[];
}

/** Checks each document by itself: its kind, its schema, and what can be said of it alone. */
export function validate(documents: readonly ConfigDocument[]): Validated {
  const entries: ConfigEntry[] = [];
  const findings: Finding[] = [];
  for (const document of documents) {
    const { object, faults } = readObject(document.value);
    if (object !== undefined) entries.push({ object, document });
    const subject = subjectOf(document.value);
    findings.push(...faults.map((fault) => findingOf(fault, subject, document.placeOf(fault))));
  }
  return { entries, findings };
}

/** Reads an object that comes from no text, such as a stored one. Warnings are not told. */
export function decodeObject(value: unknown): Result<ConfigObject, readonly Finding[]> {
  const { object, faults } = readObject(value);
  if (object !== undefined && faults.length === 0) return ok(object);
  return err(faults.map((fault) => findingOf(fault, subjectOf(value))));
}

/** A fault of an entry, with its place if the entry has one. */
export function entryFinding(entry: ConfigEntry, fault: Fault): Finding {
  const subject = `${entry.object.kind} ${objectName(entry.object)}`;
  return findingOf(fault, subject, entry.document?.placeOf(fault));
}

interface ReadObject {
  readonly object?: ConfigObject;
  readonly faults: readonly Fault[];
}

function readObject(value: unknown): ReadObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { faults: [{ code: 'LN0002', path: [], message: 'expected an object' }] };
  }
  const { apiVersion, kind } = value as Partial<Record<string, unknown>>;
  const entry = kinds.find((it) => it.kind === kind && it.apiVersion === apiVersion);
  if (entry === undefined) return { faults: [unknownKind(apiVersion, kind)] };
  const parsed = entry.schema.safeParse(value);
  if (!parsed.success) {
    return { faults: schemaFaults(parsed.error.issues, value, jsonSchemaOf(entry)) };
  }
  return { object: parsed.data, faults: checkObject(parsed.data) };
}

function unknownKind(apiVersion: unknown, kind: unknown): Fault {
  const code = 'LN0004';
  if (typeof kind !== 'string' || typeof apiVersion !== 'string') {
    const missing = typeof kind === 'string' ? 'apiVersion' : 'kind';
    return { code: 'LN0102', path: [missing], message: `${missing}: is missing` };
  }
  const namesake = kinds.find((it) => it.kind === kind);
  if (namesake !== undefined) {
    const message = `${kind} is served as ${namesake.apiVersion}, not as ${apiVersion}`;
    return { code, path: ['apiVersion'], message, value: apiVersion, hint: namesake.apiVersion };
  }
  const served = kinds.map((it) => `${it.apiVersion} ${it.kind}`).join(', ');
  const message = `${apiVersion} ${kind} is not served; served: ${served}`;
  const hint = nearestName(
    kind,
    kinds.map((it) => it.kind),
  );
  return { code, path: ['kind'], message, value: kind, hint };
}

function subjectOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { kind, metadata } = value as Partial<Record<string, unknown>>;
  if (typeof kind !== 'string' || typeof metadata !== 'object' || metadata === null)
    return undefined;
  const { name, namespace } = metadata as Partial<Record<string, unknown>>;
  if (typeof name !== 'string') return undefined;
  if (kind === 'MeshConfig') return `${kind} ${name}`;
  return `${kind} ${typeof namespace === 'string' ? namespace : 'default'}/${name}`;
}
