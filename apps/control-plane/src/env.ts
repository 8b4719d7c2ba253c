/**
 * What the control plane is told from outside: environment variables, and flags of the same names
 * that win over them (`--store` is `LENO_STORE`). The only place that reads either. Every value
 * that cannot be used is reported, not only the first.
 */
import { join, resolve } from 'node:path';
import { type LogLevel, logLevels } from '@leno/std/node';
import * as z from 'zod';
import { SettingsError } from './settings-error.ts';

/** A socket address to listen on; port 0 takes any that is free. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** What the program runs with. */
export interface Settings {
  readonly storePath: string;
  readonly trustDomain: string;
  /** Root and issuer, and the store where nothing else is said. */
  readonly stateDir: string;
  /** A directory of YAML and JSON files that is applied at the start and whenever it changes. */
  readonly configDir: string | undefined;
  readonly apiTokenFile: string;
  readonly caPassphraseFile: string;
  readonly apiListen: ListenAddress;
  readonly pushListen: ListenAddress;
  readonly leafTtlMs: number;
  /** Names under which the API may be addressed beside the loopback ones. */
  readonly apiHosts: readonly string[];
  /** Who may read without the token. */
  readonly apiRead: 'loopback' | 'open';
  readonly dashboardDir: string;
  readonly logLevel: LogLevel;
}

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const listen = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((text, context): ListenAddress => {
      const found = /^(?:\[([0-9a-fA-F:]+)\]|([^:\s]+)):(\d{1,5})$/.exec(text);
      const port = Number(found?.[3]);
      if (found === null || port > 65_535) {
        context.addIssue('write HOST:PORT with a port from 0 to 65535');
        return z.NEVER;
      }
      return { host: found[1] ?? found[2] ?? '', port };
    });

const store = z
  .string()
  .optional()
  .transform((text, context): string | undefined => {
    if (text === undefined || /^sqlite:./.test(text)) return text?.slice('sqlite:'.length);
    context.addIssue(
      text.startsWith('etcd:') ? 'etcd is not built yet; write sqlite:PATH' : 'write sqlite:PATH',
    );
    return z.NEVER;
  });

const duration = z
  .string()
  .default('24h')
  .transform((text, context): number => {
    const found = /^(\d{1,9})([smhd])$/.exec(text);
    const ms = Number(found?.[1]) * unitMs[(found?.[2] ?? 's') as keyof typeof unitMs];
    if (found !== null && ms >= 30_000 && ms <= 90 * unitMs.d) return ms;
    context.addIssue('write a time from 30s to 90d, such as 90s, 30m, 24h');
    return z.NEVER;
  });

const hosts = z
  .string()
  .default('')
  .transform((text) => text.split(',').map((it) => it.trim().toLowerCase()))
  .transform((names) => names.filter((it) => it !== ''));

const path = z.string().min(1, 'write a path');

const Environment = z.object({
  LENO_STORE: store,
  LENO_TRUST_DOMAIN: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{0,253}$/, 'use lower-case letters, digits, dots and dashes')
    .default('mesh.local'),
  LENO_STATE_DIR: path,
  LENO_CONFIG_DIR: path.optional(),
  LENO_API_TOKEN_FILE: path,
  LENO_CA_PASSPHRASE_FILE: path,
  LENO_API_LISTEN: listen('127.0.0.1:9901'),
  LENO_PUSH_LISTEN: listen('0.0.0.0:9902'),
  LENO_LEAF_TTL: duration,
  LENO_API_HOSTS: hosts,
  LENO_API_READ: z.enum(['loopback', 'open']).default('loopback'),
  LENO_DASHBOARD_DIR: path.default(resolve(import.meta.dirname, '../../dashboard/dist')),
  LENO_LOG_LEVEL: z.enum(logLevels).default('info'),
});

const names = Object.keys(Environment.shape);

/** Reads environment and flags. Throws `SettingsError` that lists every bad or unknown one. */
export function readSettings(
  environment: Readonly<Record<string, string | undefined>> = process.env,
  flags: readonly string[] = process.argv.slice(2),
): Settings {
  const complaints: string[] = [];
  const given: Record<string, string | undefined> = {};
  for (const name of names) given[name] = environment[name];
  readFlags(flags, given, complaints);
  const result = Environment.safeParse(given);
  for (const issue of result.error?.issues ?? []) {
    const name = String(issue.path[0]);
    const said = given[name] === undefined ? 'is not set' : `is ${JSON.stringify(given[name])}`;
    complaints.push(
      `${name} ${said}: ${given[name] === undefined ? 'it is needed' : issue.message}`,
    );
  }
  if (result.data === undefined || complaints.length > 0) {
    throw new SettingsError(complaints.join('\n'));
  }
  return settingsOf(result.data);
}

function settingsOf(it: z.output<typeof Environment>): Settings {
  return {
    storePath: it.LENO_STORE ?? join(it.LENO_STATE_DIR, 'leno.db'),
    trustDomain: it.LENO_TRUST_DOMAIN,
    stateDir: it.LENO_STATE_DIR,
    configDir: it.LENO_CONFIG_DIR,
    apiTokenFile: it.LENO_API_TOKEN_FILE,
    caPassphraseFile: it.LENO_CA_PASSPHRASE_FILE,
    apiListen: it.LENO_API_LISTEN,
    pushListen: it.LENO_PUSH_LISTEN,
    leafTtlMs: it.LENO_LEAF_TTL,
    apiHosts: it.LENO_API_HOSTS,
    apiRead: it.LENO_API_READ,
    dashboardDir: it.LENO_DASHBOARD_DIR,
    logLevel: it.LENO_LOG_LEVEL,
  };
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
      const known = names.map((it) => `--${it.slice(5).toLowerCase().replaceAll('_', '-')}`);
      complaints.push(`${JSON.stringify(flag)} is not a flag; the flags are ${known.join(' ')}`);
      continue;
    }
    const value = inline ?? flags[(index += 1)];
    if (value === undefined) complaints.push(`${flag} has no value`);
    given[name] = value;
  }
}

function splitOnce(text: string): readonly [string, string | undefined] {
  const at = text.indexOf('=');
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
