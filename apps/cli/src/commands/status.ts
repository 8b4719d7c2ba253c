import { unreachable } from '@leno/std';
import type { Command } from 'commander';
import { stringify } from 'yaml';
import { ApiClient } from '../api-client.ts';
import { readContext } from '../env.ts';
import { type Column, type OutputForm, renderAge, renderTable } from '../output/table.ts';

type Sync =
  | { readonly kind: 'synced' | 'pending' | 'offline'; readonly ageMs: number }
  | {
      readonly kind: 'rejected';
      readonly version: number;
      readonly ageMs: number;
      readonly errors: readonly { type: string; name: string; path: string; msg: string }[];
    };

interface ProxyRow {
  readonly id: string;
  readonly service: string;
  readonly version: string;
  readonly sync: Sync;
  readonly config: { readonly version: number; readonly digest: string } | null;
  readonly certNotAfterMs: number | null;
  readonly connectedSinceMs: number | null;
  readonly proxy: { readonly rssMiB: number; readonly cpuRatio: number } | null;
  readonly rps: number;
  readonly lagMs: number | null;
}

interface Proxies {
  readonly nowMs: number;
  readonly proxies: readonly ProxyRow[];
}

interface StatusOptions {
  readonly watch?: boolean;
  readonly output: OutputForm;
}

/** `leno status`. Exit code 1 if a proxy has rejected the newest configuration. */
export async function status(options: StatusOptions, command: Command): Promise<void> {
  const client = new ApiClient(await readContext(command.optsWithGlobals()));
  for (;;) {
    const answer = (await client.call('/v1/proxies')) as Proxies;
    const text = render(answer, options.output);
    if (options.watch !== true) {
      process.stdout.write(`${text}\n`);
      process.exitCode = answer.proxies.some(({ sync }) => sync.kind === 'rejected') ? 1 : 0;
      return;
    }
    process.stdout.write(`\u001b[2J\u001b[H${text}\n`);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}

function render(answer: Proxies, form: OutputForm): string {
  switch (form) {
    case 'json':
      return JSON.stringify(answer, null, 2);
    case 'yaml':
      return stringify(answer).trimEnd();
    case 'name':
      return answer.proxies.map(({ id }) => `proxy/${id}`).join('\n');
    case 'table':
    case 'wide':
      return `${renderTable(answer.proxies, columns(answer.nowMs), form)}${reasons(answer)}`;
    default:
      return unreachable(form);
  }
}

function columns(nowMs: number): readonly Column<ProxyRow>[] {
  const since = (atMs: number | null): string => (atMs === null ? '-' : renderAge(nowMs - atMs));
  return [
    { heading: 'PROXY', text: ({ id }) => id },
    { heading: 'SERVICE', text: ({ service }) => service.replace(/^default\//, '') },
    { heading: 'VER', text: ({ version }) => version },
    {
      heading: 'CONFIG',
      text: ({ config }) =>
        config === null
          ? '-'
          : `v${config.version} ${config.digest.replace(/^.*:/, '').slice(0, 4)}…`,
    },
    { heading: 'SYNC', text: ({ sync }) => renderSync(sync) },
    {
      heading: 'CERT',
      text: ({ certNotAfterMs }) =>
        certNotAfterMs === null ? '-' : renderAge(certNotAfterMs - nowMs),
    },
    { heading: 'RPS', align: 'right', text: ({ rps }) => rps.toFixed(0) },
    {
      heading: 'CPU',
      align: 'right',
      text: ({ proxy }) => (proxy === null ? '-' : `${(proxy.cpuRatio * 100).toFixed(0)}%`),
    },
    {
      heading: 'RSS',
      align: 'right',
      wide: true,
      text: ({ proxy }) => (proxy === null ? '-' : `${proxy.rssMiB.toFixed(0)}Mi`),
    },
    {
      heading: 'LAG',
      align: 'right',
      text: ({ lagMs }) => (lagMs === null ? '-' : `${lagMs.toFixed(0)}ms`),
    },
    { heading: 'CONNECTED', text: ({ connectedSinceMs }) => since(connectedSinceMs) },
  ];
}

function renderSync(sync: Sync): string {
  switch (sync.kind) {
    case 'synced':
      return `SYNCED ${renderAge(sync.ageMs)}`;
    case 'pending':
      return `PENDING ${renderAge(sync.ageMs)}`;
    case 'offline':
      return `OFFLINE ${renderAge(sync.ageMs)}`;
    case 'rejected':
      return `REJECTED v${sync.version}`;
    default:
      return unreachable(sync);
  }
}

/** Under the table: what each proxy has against the newest configuration. */
function reasons(answer: Proxies): string {
  const lines = answer.proxies.flatMap(({ id, sync }) =>
    sync.kind === 'rejected'
      ? sync.errors.map(({ type, name, path, msg }) => `${id}: ${type}/${name} ${path}: ${msg}`)
      : [],
  );
  return lines.length === 0 ? '' : `\n\n${lines.join('\n')}`;
}
