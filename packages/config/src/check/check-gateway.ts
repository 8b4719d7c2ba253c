/** What can be said of a gateway alone, beyond its schema. */
import type { Fault, Path } from '../findings/finding.ts';
import type { Gateway, GatewayListener } from '../kinds/gateway.ts';

/** The faults of one gateway whose schema holds. */
export function checkGateway(gateway: Gateway): readonly Fault[] {
  const { listeners } = gateway.spec;
  const { namespace } = gateway.metadata;
  return listeners.flatMap((listener, index) => {
    const path: Path = ['spec', 'listeners', index];
    return [
      ...repeatedName(listener, listeners.slice(0, index), path),
      ...clash(listener, listeners.slice(0, index), path),
      ...tlsFaults(listener, namespace, path),
    ];
  });
}

function repeatedName(
  { name }: GatewayListener,
  before: readonly GatewayListener[],
  path: Path,
): readonly Fault[] {
  if (!before.some((it) => it.name === name)) return [];
  const message = `${name} stands in this list already`;
  return [{ code: 'LN0109', path: [...path, 'name'], message, value: name }];
}

/** Gateway API, Listener: those of one port speak one protocol and differ in their host names. */
function clash(
  listener: GatewayListener,
  before: readonly GatewayListener[],
  path: Path,
): readonly Fault[] {
  const { port, protocol, hostname } = listener;
  const neighbours = before.filter((it) => it.port === port);
  const other = neighbours.find((it) => it.protocol !== protocol);
  if (other !== undefined) {
    const message = `port ${port} speaks ${other.protocol} for the listener ${other.name}`;
    return [{ code: 'LN0311', path: [...path, 'protocol'], message, value: protocol }];
  }
  const twin = neighbours.find((it) => it.hostname === hostname);
  if (twin === undefined) return [];
  const hosts = hostname ?? 'every host';
  const message = `the listener ${twin.name} takes ${hosts} on port ${port} already`;
  const field = hostname === undefined ? 'port' : 'hostname';
  return [{ code: 'LN0311', path: [...path, field], message, value: hostname ?? port }];
}

function tlsFaults(
  { protocol, tls }: GatewayListener,
  namespace: string,
  path: Path,
): readonly Fault[] {
  if (tls === undefined) {
    if (protocol === 'HTTP') return [];
    const message = 'HTTPS without a certificate: name one in tls.certificateRefs';
    return [{ code: 'LN0113', path: [...path, 'protocol'], message, value: protocol }];
  }
  const at: Path = [...path, 'tls'];
  if (protocol === 'HTTP') {
    const message = 'HTTP has no TLS: write `protocol: HTTPS`';
    return [{ code: 'LN0113', path: at, message, atKey: true }];
  }
  return tls.certificateRefs.flatMap((ref, index): readonly Fault[] => {
    const here: Path = [...at, 'certificateRefs', index];
    if (ref.kind !== 'Secret' || ref.group !== '') {
      const message = `a certificate is a Secret of the core group, not a ${ref.kind}`;
      const value = ref.kind;
      return [{ code: 'LN0206', path: [...here, 'kind'], message, value, hint: 'Secret' }];
    }
    if ((ref.namespace ?? namespace) === namespace) return [];
    const message = `a gateway of ${namespace} may not show a certificate of ${ref.namespace}`;
    return [{ code: 'LN0208', path: [...here, 'namespace'], message, value: ref.namespace }];
  });
}
