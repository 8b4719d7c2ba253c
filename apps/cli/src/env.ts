/**
 * Where the control plane is and how to speak to it: flags, then environment, then what `leno up` left in
 * its context file, then a demo in this directory. The only place that reads the environment.
 */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { codeOf } from '@leno/std';
import { writeFileAtomic } from '@leno/std/node';
import * as z from 'zod';
import { UsageError } from './cli-error.ts';

const Context = z.strictObject({
  /** Base address of the API. */
  api: z.url(),
  tokenFile: z.string().min(1),
});
export type Context = z.output<typeof Context>;

export interface ConnectionFlags {
  readonly api?: string;
  readonly tokenFile?: string;
}

/** The directory that holds what the commands of one user share. */
export function homeDirectory(): string {
  const { LENO_HOME, XDG_STATE_HOME } = process.env;
  return LENO_HOME ?? join(XDG_STATE_HOME ?? join(homedir(), '.local', 'state'), 'leno');
}

/** The environment that child processes inherit. */
export function inheritedEnv(): NodeJS.ProcessEnv {
  return process.env;
}

/** Works out where to speak. */
export async function readContext(flags: ConnectionFlags): Promise<Context> {
  const { LENO_API, LENO_API_TOKEN_FILE } = process.env;
  const stored = (await storedContext()) ?? (await demoContext());
  const context = {
    api: flags.api ?? LENO_API ?? stored?.api ?? 'http://127.0.0.1:9901',
    tokenFile:
      flags.tokenFile ??
      LENO_API_TOKEN_FILE ??
      stored?.tokenFile ??
      join(homeDirectory(), 'api-token'),
  };
  const result = Context.safeParse(context);
  if (!result.success) throw new UsageError(`--api ${context.api} is not a URL`);
  return result.data;
}

/** Remembers where the control plane is, for the commands that follow. */
export async function storeContext(context: Context): Promise<void> {
  await mkdir(homeDirectory(), { recursive: true, mode: 0o700 });
  await writeFileAtomic(contextFile(), `${JSON.stringify(context, null, 2)}\n`);
}

/** Forgets it, when the control plane ends. */
export async function forgetContext(): Promise<void> {
  await rm(contextFile(), { force: true });
}

/** A demo that runs in this directory, started by `pnpm demo`. */
async function demoContext(): Promise<Context | undefined> {
  const text = await readFile('.leno/demo/fleet.json', 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const Fleet = z.object({ controlPlane: z.object({ api: z.string() }) });
  const fleet = Fleet.safeParse(JSON.parse(text));
  if (!fleet.success) return undefined;
  return { api: `http://${fleet.data.controlPlane.api}`, tokenFile: '.leno/demo/api-token' };
}

function contextFile(): string {
  return join(homeDirectory(), 'context.json');
}

async function storedContext(): Promise<Context | undefined> {
  const text = await readFile(contextFile(), 'utf8').catch((thrown: unknown) => {
    if (codeOf(thrown) !== 'ENOENT') throw thrown;
    return undefined;
  });
  if (text === undefined) return undefined;
  try {
    return Context.parse(JSON.parse(text));
  } catch {
    throw new UsageError(`${contextFile()} cannot be read: repair it, or remove it`);
  }
}
