import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunningProcess } from '@leno/std/node';
import * as z from 'zod';
import { httpJson } from './http-json.ts';
import type { Program, Programs } from './programs.ts';
import type { RunDirectory } from './run-directory.ts';

const Ready = z.object({ api: z.string(), push: z.string(), trustPin: z.string() });
const Token = z.object({ token: z.string() });

/** The part of `GET /v1/status` that the demo looks at. */
export const MeshStatus = z.object({
  head: z.object({ epoch: z.int(), version: z.int() }),
  converged: z.boolean(),
  proxies: z.object({ total: z.int(), connected: z.int(), synced: z.int() }),
  instances: z.object({ ready: z.int() }),
  traffic: z.object({ mtlsRatio: z.number().nullable() }),
});
export type MeshStatus = z.output<typeof MeshStatus>;

/** Where it shall listen. */
export interface ControlPlaneListen {
  readonly api: string;
  readonly push: string;
}

/** The control plane as a process, and what the demo asks of its API. */
export interface ControlPlane {
  readonly process: RunningProcess;
  readonly program: Program;
  /** `host:port` of API and dashboard. */
  readonly api: string;
  /** `host:port` of the push listener. */
  readonly push: string;
  readonly trustPin: string;
  /** Applies YAML; throws with the findings if it is refused. */
  apply(yaml: string, file: string): Promise<void>;
  /** A single-use token with which one proxy of this service may join. */
  joinToken(service: string): Promise<string>;
  status(): Promise<MeshStatus>;
}

/** What a control plane is started with. */
export interface ControlPlaneParts {
  readonly programs: Programs;
  readonly spawn: (program: Program, name: string) => RunningProcess;
  readonly directory: RunDirectory;
  readonly listen: ControlPlaneListen;
}

/** Starts it and waits until it serves. */
export async function startControlPlane(parts: ControlPlaneParts): Promise<ControlPlane> {
  const { programs, directory, listen } = parts;
  const state = await directory.stateOf('control-plane');
  const program = programs.controlPlane({
    LENO_STORE: `sqlite:${join(state, 'leno.db')}`,
    LENO_STATE_DIR: state,
    LENO_API_TOKEN_FILE: directory.apiTokenFile,
    LENO_CA_PASSPHRASE_FILE: directory.passphraseFile,
    LENO_API_LISTEN: listen.api,
    LENO_PUSH_LISTEN: listen.push,
    LENO_LEAF_TTL: '1h',
  });
  const started = parts.spawn(program, 'control-plane');
  const ready = Ready.parse(await started.ready);
  const bearer = `Bearer ${(await readFile(directory.apiTokenFile, 'utf8')).trim()}`;
  const post = (path: string, body: string, headers: Record<string, string>) =>
    httpJson({
      url: `http://${ready.api}${path}`,
      method: 'POST',
      headers: { authorization: bearer, ...headers },
      body,
      timeoutMs: 30_000,
    });
  return {
    process: started,
    program,
    api: ready.api,
    push: ready.push,
    trustPin: ready.trustPin,
    apply: async (yaml, file) => {
      await post('/v1/apply', yaml, { 'content-type': 'application/yaml', 'x-leno-file': file });
    },
    joinToken: async (service) => {
      const body = JSON.stringify({ namespace: 'default', service });
      return Token.parse(await post('/v1/tokens', body, { 'content-type': 'application/json' }))
        .token;
    },
    status: async () => MeshStatus.parse(await httpJson({ url: `http://${ready.api}/v1/status` })),
  };
}
