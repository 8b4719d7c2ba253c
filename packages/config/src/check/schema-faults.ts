/** What a schema says against a value, in the words and codes of findings. */
import type * as z from 'zod';
import type { LnCode } from '../findings/codes.ts';
import { type Fault, type Path, pathText } from '../findings/finding.ts';
import { nearestName } from '../findings/nearest.ts';
import type { JsonSchema } from '../kinds/kind.ts';

type Issue = z.core.$ZodIssue;

/** The faults behind `issues`; `schema` is the JSON Schema that names the valid fields. */
export function schemaFaults(
  issues: readonly Issue[],
  value: unknown,
  schema: JsonSchema,
): readonly Fault[] {
  return issues.flatMap((issue) => faultsOf(issue, value, schema));
}

function faultsOf(issue: Issue, root: unknown, schema: JsonSchema): readonly Fault[] {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
  const value = valueAt(root, path);
  const name = pathText(path) || 'the document';
  const fault = (code: LnCode, message: string, hint?: string): Fault => ({
    code,
    path,
    message: `${name}: ${message}`,
    value,
    hint,
  });
  switch (issue.code) {
    case 'unrecognized_keys': {
      const fields = fieldsAt(schema, root, path);
      return issue.keys.map((key) => unknownField(path, key, fields));
    }
    case 'invalid_type':
      if (value === undefined) return [fault('LN0102', 'is missing')];
      return [fault('LN0103', lowerFirst(issue.message))];
    case 'too_small':
    case 'too_big':
    case 'not_multiple_of':
      return [fault('LN0104', lowerFirst(issue.message))];
    case 'invalid_value':
      return [choice(fault, value, issue.values.map(String))];
    case 'invalid_union':
      return [unionFault(fault, value, issue)];
    case 'custom':
      return [fault(issue.params?.['code'] === 'LN0104' ? 'LN0104' : 'LN0106', issue.message)];
    default:
      return [fault('LN0106', lowerFirst(issue.message))];
  }
}

type MakeFault = (code: LnCode, message: string, hint?: string) => Fault;

function unknownField(path: Path, key: string, fields: readonly string[]): Fault {
  const where = path.length === 0 ? '' : ` of ${pathText(path)}`;
  return {
    code: 'LN0101',
    path: [...path, key],
    message: `${key} is no field${where}; known: ${fields.join(', ')}`,
    value: key,
    hint: nearestName(key, fields),
    atKey: true,
  };
}

function choice(fault: MakeFault, value: unknown, allowed: readonly string[]): Fault {
  if (value === undefined) return fault('LN0102', `is missing; one of ${allowed.join(', ')}`);
  const hint = typeof value === 'string' ? nearestName(value, allowed) : undefined;
  return fault('LN0105', `expected ${allowed.join(', ')}`, hint);
}

function unionFault(fault: MakeFault, value: unknown, issue: Issue): Fault {
  if (!('options' in issue) || !Array.isArray(issue.options)) return fault('LN0103', 'wrong type');
  return choice(fault, value, issue.options.map(String));
}

/** The fields that exist at `path`, of every branch that fits what is written there. */
function fieldsAt(schema: JsonSchema, root: unknown, path: Path): readonly string[] {
  let nodes = branches(schema, root);
  for (const [depth, part] of path.entries()) {
    const value = valueAt(root, path.slice(0, depth + 1));
    nodes = nodes.flatMap((node) => {
      const child = typeof part === 'number' ? node.items : node.properties?.[part];
      return child === undefined ? [] : branches(child, value);
    });
  }
  return [...new Set(nodes.flatMap((node) => Object.keys(node.properties ?? {})))];
}

function branches(schema: JsonSchema, value: unknown): readonly JsonSchema[] {
  const options = schema.oneOf ?? schema.anyOf;
  if (options === undefined) return [schema];
  const kind = valueAt(value, ['type']);
  const fitting = options.filter((option) => option.properties?.['type']?.const === kind);
  return fitting.length > 0 ? fitting : options;
}

function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part))
      return undefined;
    value = (value as Record<string | number, unknown>)[part];
  }
  return value;
}

/** The sentences of the schema library start with a capital and a general remark. */
function lowerFirst(message: string): string {
  const text = message.replace(/^Invalid (input|string): /, '');
  return text.charAt(0).toLowerCase() + text.slice(1);
}
