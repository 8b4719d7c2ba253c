import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunningProcess } from '@leno/std/node';
import { TestCa } from '@leno/testkit';
import type { TestMesh } from './mesh.ts';

/** A gateway of a mesh of the test, and the certificates that it may show. */
export interface TestGateway {
  readonly process: RunningProcess;
  readonly admin: string;
  /** PEM; what clients trust. */
  readonly root: string;
  /** A file with that. */
  readonly rootFile: string;
  /** Writes a new certificate for these names, as an operator would: beside, then in its place. */
  certify(name: string, dnsNames: readonly string[]): Promise<void>;
  readonly directory: string;
}

/** Starts a gateway called `name`; it serves when it is configured. */
export async function startGateway(
  mesh: TestMesh,
  name: string,
  env: Readonly<Record<string, string>> = {},
): Promise<TestGateway> {
  const ca = new TestCa();
  const root = ca.root.certificatePem;
  const directory = join(mesh.directory, `${name}-certificates`);
  await mkdir(directory, { recursive: true });
  const rootFile = join(mesh.directory, `${name}-root.pem`);
  await writeFile(rootFile, root);
  const process = mesh.startSidecar(name, {
    LENO_MODE: 'gateway',
    LENO_CONTROL_PLANE: mesh.control.push,
    LENO_SERVICE: name,
    LENO_INSTANCE: name,
    LENO_TRUST_PIN: mesh.control.trustPin,
    LENO_GATEWAY_HOST: '127.0.0.1',
    LENO_CERTIFICATE_DIR: directory,
    LENO_ADMIN_LISTEN: '127.0.0.1:0',
    LENO_METRICS_LISTEN: '127.0.0.1:0',
    LENO_STATE_DIR: join(mesh.directory, name),
    LENO_JOIN_TOKEN_FILE: await mesh.joinToken(name, name),
    ...env,
  });
  const { admin } = await process.ready;
  return {
    process,
    admin: String(admin),
    root,
    rootFile,
    directory,
    certify: async (certificate, dnsNames) => {
      const { key, cert } = ca.leaf('', { uris: [], dnsNames });
      const at = join(directory, certificate);
      await writeFile(`${at}.key.new`, key, { mode: 0o600 });
      await writeFile(`${at}.crt.new`, cert);
      await rename(`${at}.key.new`, `${at}.key`);
      await rename(`${at}.crt.new`, `${at}.crt`);
    },
  };
}

/** A listener of a Gateway, as a user writes it; with `certificate` it serves HTTPS. */
export interface ListenerLines {
  readonly name: string;
  readonly port: number;
  readonly hostname?: string;
  readonly certificate?: string;
}

/** A Gateway, as a user writes it. */
export function gateway(name: string, listeners: readonly ListenerLines[]): string {
  const lines = listeners.map(({ name: listener, port, hostname, certificate }) => {
    const protocol = certificate === undefined ? 'HTTP' : 'HTTPS';
    const host = hostname === undefined ? '' : `, hostname: '${hostname}'`;
    const tls =
      certificate === undefined ? '' : `, tls: { certificateRefs: [{ name: ${certificate} }] }`;
    return `    - { name: ${listener}, port: ${port}, protocol: ${protocol}${host}${tls} }\n`;
  });
  return `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: ${name} }
spec:
  gatewayClassName: leno
  listeners:
${lines.join('')}`;
}

/** A route at a gateway that takes everything for these hosts to one service. */
export function gatewayRoute(
  name: string,
  parent: string,
  to: { readonly service: string; readonly hosts?: readonly string[]; readonly path?: string },
): string {
  const { service, hosts = [], path = '/' } = to;
  return `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: ${name} }
spec:
  parentRefs:
    - ${parent}
  hostnames: [${hosts.map((host) => `'${host}'`).join(', ')}]
  rules:
    - matches: [{ path: { type: PathPrefix, value: ${path} } }]
      backendRefs: [{ name: ${service}, port: 80 }]
`;
}
