/** Configuration that tests apply, as a user would write it. */

/** A `Service` that selects by labels, and speaks `protocol` on its one port. */
export function service(
  name: string,
  selector: Readonly<Record<string, string>>,
  protocol = 'http',
): string {
  const labels = Object.entries(selector)
    .map(([key, value]) => `    ${key}: ${value}`)
    .join('\n');
  return `apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: default }
spec:
  selector:
${labels}
  ports:
    - { port: 80, name: ${protocol}, appProtocol: ${protocol} }
`;
}

/** A route that splits the traffic of `name` by weight. */
export function split(name: string, weights: Readonly<Record<string, number>>): string {
  const backends = Object.entries(weights)
    .map(([backend, weight]) => `        - { name: ${backend}, port: 80, weight: ${weight} }`)
    .join('\n');
  return `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: ${name}, namespace: default }
spec:
  parentRefs:
    - { group: "", kind: Service, name: ${name} }
  rules:
    - backendRefs:
${backends}
`;
}

/** Balances a service in turns. */
export function roundRobin(name: string): string {
  return `apiVersion: leno.dev/v1
kind: TrafficPolicy
metadata: { name: ${name}, namespace: default }
spec:
  targetRef: { name: ${name} }
  balancer: { kind: roundRobin }
`;
}

/** Mesh-wide settings; `permissive` lists services that also take plaintext. */
export function meshConfig(permissive: readonly string[] = []): string {
  const lines = permissive.map((name) => `      - ${name}`).join('\n');
  return `apiVersion: leno.dev/v1
kind: MeshConfig
metadata: { name: mesh }
spec:
  egress: deny
${permissive.length === 0 ? '' : `  mtls:\n    permissive:\n${lines}\n`}`;
}

/** Several documents as one. */
export function documents(...texts: readonly string[]): string {
  return texts.join('---\n');
}

/** A `Service` whose port carries bytes of no known protocol. */
export function tcpService(name: string, port: number): string {
  return `apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: default }
spec:
  selector: { app: ${name} }
  ports:
    - { port: ${port}, name: bytes, appProtocol: tcp }
`;
}
