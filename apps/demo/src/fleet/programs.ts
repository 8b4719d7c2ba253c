import { fileURLToPath } from 'node:url';
import { type ProcessOptions, smallProcess } from '@leno/std/node';

/** A program with its arguments and its whole environment. */
export type Program = Required<Pick<ProcessOptions, 'command' | 'args' | 'env'>>;
type Env = Readonly<Record<string, string>>;

/** How the programs of the fleet are started: from source, by the Node that runs this one. */
export interface Programs {
  controlPlane(env: Env): Program;
  sidecar(env: Env): Program;
  app(role: string, env: Env): Program;
}

/**
 * Other apps are programs here, never modules. They get `base` and what they are given, and nothing
 * else: a proxy or a namespace from the user's own environment must not reach them.
 */
export function sourcePrograms(base: Env): Programs {
  const program = (path: string, args: readonly string[], env: Env): Program => ({
    command: process.execPath,
    args: ['--conditions=@leno/source', fileURLToPath(new URL(path, import.meta.url)), ...args],
    env: { ...base, ...env },
  });
  const small = (it: Program): Program => ({
    ...it,
    args: [...smallProcess.args, ...it.args],
    env: { ...smallProcess.env, ...it.env },
  });
  return {
    controlPlane: (env) => program('../../../control-plane/src/main.ts', [], env),
    sidecar: (env) => small(program('../../../proxy/src/main.ts', [], env)),
    app: (role, env) => program('../app-main.ts', [role], env),
  };
}
