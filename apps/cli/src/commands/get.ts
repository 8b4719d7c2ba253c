import type { Command } from 'commander';
import { stringify } from 'yaml';
import { ApiClient } from '../api-client.ts';
import { readContext } from '../env.ts';
import { type OutputForm, renderAge, renderTable } from '../output/table.ts';

interface ConfigObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly resourceVersion?: string;
    readonly creationTimestamp?: string;
  };
  readonly spec?: unknown;
}

interface GetOptions {
  readonly namespace?: string;
  readonly output: OutputForm;
}

/** `leno get KIND [NAME]`. */
export async function get(
  kind: string,
  name: string | undefined,
  options: GetOptions,
  command: Command,
): Promise<void> {
  const client = new ApiClient(await readContext(command.optsWithGlobals()));
  const answer = await client.call(pathOf(kind, name, options.namespace));
  if (name !== undefined && (options.output === 'json' || options.output === 'yaml')) {
    print(answer, options.output);
    return;
  }
  const items = (
    name === undefined ? (answer as { items: ConfigObject[] }).items : [answer]
  ) as readonly ConfigObject[];
  if (options.output === 'json' || options.output === 'yaml') print({ items }, options.output);
  else if (options.output === 'name') {
    for (const { kind: itsKind, metadata } of items) {
      process.stdout.write(`${itsKind.toLowerCase()}/${metadata.name}\n`);
    }
  } else process.stdout.write(`${renderItems(items, options.output)}\n`);
}

function pathOf(kind: string, name: string | undefined, namespace: string | undefined): string {
  const parts = ['/v1/resources'];
  if (kind !== 'all') parts.push(encodeURIComponent(kind));
  if (namespace !== undefined || name !== undefined) parts.push(namespace ?? 'default');
  if (name !== undefined) parts.push(encodeURIComponent(name));
  return parts.join('/');
}

function print(value: unknown, form: 'json' | 'yaml'): void {
  process.stdout.write(form === 'json' ? `${JSON.stringify(value, null, 2)}\n` : stringify(value));
}

function renderItems(items: readonly ConfigObject[], form: OutputForm): string {
  const age = (text: string | undefined): string =>
    text === undefined ? '-' : renderAge(Date.now() - Date.parse(text));
  return renderTable(
    items,
    [
      { heading: 'NAMESPACE', text: ({ metadata }) => metadata.namespace ?? '-' },
      { heading: 'KIND', text: ({ kind }) => kind },
      { heading: 'NAME', text: ({ metadata }) => metadata.name },
      { heading: 'VERSION', text: ({ metadata }) => metadata.resourceVersion ?? '-' },
      { heading: 'AGE', text: ({ metadata }) => age(metadata.creationTimestamp) },
      { heading: 'API', wide: true, text: ({ apiVersion }) => apiVersion },
    ],
    form,
  );
}
