import { allocatePorts, type RunningProcess } from '@leno/std/node';
import type { ControlPlane } from './control-plane.ts';
import type { Instance } from './plan.ts';
import type { Program, Programs } from './programs.ts';
import type { RunDirectory } from './run-directory.ts';

/** A process and how to start it again. */
export interface Started {
  readonly process: RunningProcess;
  readonly program: Program;
}

/** An app and its sidecar, both running. Addresses are `host:port`. */
export interface Member {
  readonly instance: Instance;
  readonly app: Started & { readonly address: string };
  readonly sidecar: Started & {
    readonly outbound: string;
    readonly inbound: string;
    readonly admin: string;
    readonly metrics: string;
  };
}

/** What members are started with. */
export interface MemberParts {
  readonly programs: Programs;
  /** Starts a process that is stopped with the fleet, with a log of this name. */
  readonly spawn: (program: Program, name: string) => RunningProcess;
  readonly directory: RunDirectory;
  readonly controlPlane: ControlPlane;
  /** The port of the shop, if it is to be a certain one. */
  readonly shopPort: number;
}

/** Starts an app and its sidecar side by side and waits for both. */
export async function startMember(parts: MemberParts, instance: Instance): Promise<Member> {
  const { programs, directory, controlPlane } = parts;
  const { id, role, version } = instance;
  const ports = (await allocatePorts(5)).map((port) => `127.0.0.1:${port}`);
  const [appPort = '', outbound = '', inbound = '', admin = '', metrics = ''] = ports;
  const address = role === 'storefront' ? `127.0.0.1:${parts.shopPort}` : appPort;
  const app = programs.app(role, {
    HOST: '127.0.0.1',
    PORT: address.slice(address.indexOf(':') + 1),
    DEMO_VERSION: version,
    // All that an app is told of the mesh: that there is a proxy, as in any company network.
    HTTP_PROXY: `http://${outbound}`,
    NODE_USE_ENV_PROXY: '1',
  });
  const sidecar = programs.sidecar({
    LENO_CONTROL_PLANE: controlPlane.push.replace('0.0.0.0', '127.0.0.1'),
    LENO_TRUST_PIN: controlPlane.trustPin,
    LENO_JOIN_TOKEN_FILE: await directory.write(`tokens/${id}`, await controlPlane.joinToken(role)),
    LENO_INSTANCE: id,
    LENO_SERVICE: role,
    LENO_NAMESPACE: 'default',
    LENO_VERSION: version,
    LENO_APP: address,
    LENO_ADVERTISE: '127.0.0.1',
    LENO_OUTBOUND_LISTEN: outbound,
    LENO_INBOUND_LISTEN: inbound,
    LENO_ADMIN_LISTEN: admin,
    LENO_METRICS_LISTEN: metrics,
    LENO_STATE_DIR: await directory.stateOf(id),
    LENO_DRAIN_TIMEOUT_MS: '3000',
  });
  const run = (program: Program, name: string): Started => ({
    process: parts.spawn(program, name),
    program,
  });
  const member: Member = {
    instance,
    app: { ...run(app, id), address },
    sidecar: { ...run(sidecar, `${id}.sidecar`), outbound, inbound, admin, metrics },
  };
  await Promise.all([member.app.process.ready, member.sidecar.process.ready]);
  return member;
}
