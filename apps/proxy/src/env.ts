/**
 * What a proxy is told from outside: environment variables, and flags of the same names that win over
 * them (`--service` is `LENO_SERVICE`). The only place that reads either. Every bad value is
 * reported, not only the first.
 */

import { isIPv4, isIPv6 } from 'node:net';
import { availableParallelism } from 'node:os';
import type { AppAddress } from '@leno/dataplane/node';
import { LenoError } from '@leno/std';
import * as z from 'zod';
import { count, limitSettings } from './limits/limit-settings.ts';
import { tcpListen } from './tcp-listen.ts';

/** Settings that cannot be used; the message has one line for each. Exit code 64. */
export class SettingsError extends LenoError {
  readonly code = 'LENO_SETTINGS';
  readonly fault = 'mesh';
}

/** A socket address to listen on. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

const listen = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((text, context): ListenAddress => {
      const found = /^(?:\[([0-9a-fA-F:]+)\]|([^:\s]+)):(\d{1,5})$/.exec(text);
      const port = Number(found?.[3]);
      if (found === null || port > 65_535) {
        context.addIssue(`${quote(text)} is not HOST:PORT with a port from 0 to 65535`);
        return z.NEVER;
      }
      return { host: found[1] ?? found[2] ?? '', port };
    });

/** The admin interface has no other protection than that nobody else can reach it. */
const loopback = (fallback: string) =>
  listen(fallback).refine(
    ({ host }) => /^(localhost|127(\.\d{1,3}){3}|::1)$/.test(host),
    'use a loopback address: 127.0.0.1, [::1] or localhost',
  );

const label = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'use lower-case letters, digits and dashes');

const labels = z
  .string()
  .default('')
  .transform((text, context): Record<string, string> => {
    const pairs = text.split(',').filter((pair) => pair.trim() !== '');
    const entries = pairs.map((pair) => pair.split('=').map((side) => side.trim()));
    if (entries.some((sides) => sides.length !== 2 || sides[0] === '')) {
      context.addIssue(`${quote(text)} is not KEY=VALUE,KEY=VALUE`);
      return z.NEVER;
    }
    // The bounds of the push protocol, less the three labels that an instance has.
    if (entries.length > 61 || entries.flat().some((side) => side.length > 256)) {
      context.addIssue('at most 61 labels of at most 256 characters a side');
      return z.NEVER;
    }
    return Object.fromEntries(entries.map(([key = '', value = '']) => [key, value]));
  });

const PORT_MAX = 65_535;

/** With a prefix for applications of HTTP/2 with prior knowledge, such as servers of gRPC. */
const socketPattern = /^(?:h2c\+)?unix:(.+)$/;
const hostPattern = /^(?:h2c:\/\/)?([^:\s[\]/+]+|\[[0-9a-fA-F:]+\]):(\d{1,5})$/;
const appForms = 'HOST:PORT, unix:PATH, h2c://HOST:PORT, h2c+unix:PATH';

const app = z
  .string()
  .default('127.0.0.1:8080')
  .transform((text, context): AppAddress & { readonly speaks: 'http/1.1' | 'h2c' } => {
    const speaks = /^h2c(\+unix:|:\/\/)/.test(text) ? 'h2c' : 'http/1.1';
    const path = socketPattern.exec(text)?.[1];
    if (path !== undefined) return { kind: 'unix', path, speaks };
    const [, host, digits] = hostPattern.exec(text) ?? [];
    const port = Number(digits);
    if (host === undefined || port < 1 || port > PORT_MAX) {
      context.addIssue(`${quote(text)} is none of ${appForms}`);
      return z.NEVER;
    }
    return { kind: 'tcp', host: host.replace(/^\[|\]$/g, ''), port, speaks };
  });

/** As `node:dns` takes them. */
const dnsServers = z
  .string()
  .default('')
  .transform((text) => text.split(',').filter((it) => it !== ''))
  .refine(
    (servers) => servers.every(isServer),
    'use addresses with an optional port: 10.0.0.2,[fd00::2]:5353',
  );

function isServer(text: string): boolean {
  const host = text.replace(/:\d{1,5}$/, '');
  const address = /^\[(.*)\]$/.exec(host)?.[1];
  if (host !== text && !endsInPort(text)) return false;
  return address === undefined ? isIPv4(host) : isIPv6(address);
}

function endsInPort(text: string): boolean {
  const port = Number(/:(\d{1,5})$/.exec(text)?.[1]);
  return port >= 1 && port <= PORT_MAX;
}

const controlPlane = z
  .string()
  .regex(
    /^([^\s/:@?#[\]]+|\[[0-9a-fA-F:]+\]):\d{1,5}$/,
    'use HOST:PORT of the push listener, for example 127.0.0.1:9902',
  )
  .refine(endsInPort, 'use a port from 1 to 65535');

const advertise = z
  .string()
  .regex(/^[^\s:]+(:\d{1,5})?$/, 'use HOST or HOST:PORT as other proxies reach it')
  .refine((text) => !text.includes(':') || endsInPort(text), 'use a port from 1 to 65535');

const WORKER_COUNT_MAX = 64;

/** `auto` is one for each core that this process may use. */
const workers = z
  .string()
  .regex(/^(auto|\d{1,3})$/, 'use a number of processes, or auto')
  .transform((text) => {
    return text === 'auto' ? Math.min(WORKER_COUNT_MAX, availableParallelism()) : Number(text);
  })
  .refine(
    (value) => value >= 1 && value <= WORKER_COUNT_MAX,
    `use a number from 1 to ${WORKER_COUNT_MAX}`,
  )
  .default(1);

const Settings = z.object({
  LENO_CONTROL_PLANE: controlPlane,
  LENO_SERVICE: label,
  LENO_NAMESPACE: label.default('default'),
  LENO_VERSION: z.string().max(63).default('v1'),
  LENO_LABELS: labels,
  LENO_INSTANCE: z.string().min(1).max(253).optional(),
  LENO_JOIN_TOKEN_FILE: z.string().optional(),
  LENO_TRUST_PIN: z
    .string()
    .regex(/^sha256:[A-Za-z0-9+/=_-]{40,}$/, 'use the pin that the control plane prints'),
  LENO_TRUST_DOMAIN: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,253}$/, 'use lower-case letters, digits, dots and dashes')
    .default('mesh.local'),
  LENO_OUTBOUND_LISTEN: listen('127.0.0.1:15001'),
  LENO_INBOUND_LISTEN: listen('0.0.0.0:15006'),
  LENO_TCP_LISTEN: tcpListen,
  LENO_ADMIN_LISTEN: loopback('127.0.0.1:15000'),
  LENO_METRICS_LISTEN: listen('0.0.0.0:15020'),
  LENO_ADVERTISE: advertise.optional(),
  LENO_APP: app,
  LENO_DNS_SERVERS: dnsServers,
  LENO_STATE_DIR: z.string().min(1),
  LENO_MODE: z.enum(['sidecar', 'gateway']).default('sidecar'),
  // Of a gateway; its ports are what its configuration says.
  LENO_GATEWAY_HOST: z
    .string()
    .regex(/^(\[[0-9a-fA-F:]+\]|[^:\s[\]/]+)$/, 'use an address without a port; IPv6 in brackets')
    .transform((host) => host.replace(/^\[|\]$/g, ''))
    .default('0.0.0.0'),
  LENO_CERTIFICATE_DIR: z.string().min(1).optional(),
  ...limitSettings,
  LENO_DRAIN_TIMEOUT_MS: count(0, 600_000, 30_000),
  LENO_ROUTE_RULE_COUNT_MAX: count(1, 1_000_000, 10_000),
  LENO_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  LENO_WORKERS: workers,
});

export type Settings = z.output<typeof Settings>;

const names = Object.keys(Settings.shape);

/**
 * Reads environment and flags; an empty variable counts as none. Throws `SettingsError` that lists
 * every bad value and every unknown flag.
 */
export function readSettings(
  environment: Readonly<Record<string, string | undefined>> = process.env,
  flags: readonly string[] = process.argv.slice(2),
): Settings {
  const complaints: string[] = [];
  const given: Record<string, string | undefined> = {};
  // Compose and shells hand over `VAR=` where nothing was said.
  for (const name of names) given[name] = environment[name] === '' ? undefined : environment[name];
  readFlags(flags, given, complaints);
  const result = Settings.safeParse(given);
  for (const issue of result.error?.issues ?? []) {
    const name = String(issue.path[0]);
    if (given[name] === undefined) complaints.push(`${name} is not set: it is needed`);
    else complaints.push(`${name} is ${quote(given[name])}: ${issue.message}`);
  }
  if (result.data === undefined || complaints.length > 0) {
    throw new SettingsError(complaints.join('\n'));
  }
  return result.data;
}

/**
 * Variables of this program's prefix that it does not know: a misspelt one would else be overlooked.
 * No error, since other programs of the mesh have theirs in the same environment.
 */
export function unknownVariables(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): readonly string[] {
  return Object.keys(environment).filter((it) => it.startsWith('LENO_') && !names.includes(it));
}

function readFlags(
  flags: readonly string[],
  given: Record<string, string | undefined>,
  complaints: string[],
): void {
  for (let index = 0; index < flags.length; index += 1) {
    const [flag, inline] = splitOnce(flags[index] ?? '');
    const name = `LENO_${flag.replace(/^--/, '').replaceAll('-', '_').toUpperCase()}`;
    if (!flag.startsWith('--') || !names.includes(name)) {
      complaints.push(`${quote(flag)} is not a flag; the flags are ${names.map(flagOf).join(' ')}`);
      continue;
    }
    const value = inline ?? flags[index + 1];
    if (value === undefined || (inline === undefined && value.startsWith('--'))) {
      complaints.push(`${flag} has no value`);
      continue;
    }
    if (inline === undefined) index += 1;
    given[name] = value;
  }
}

function splitOnce(text: string): readonly [string, string | undefined] {
  const at = text.indexOf('=');
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function flagOf(name: string): string {
  return `--${name.slice(5).toLowerCase().replaceAll('_', '-')}`;
}

function quote(text: string | undefined): string {
  return JSON.stringify(text ?? '');
}
