import type { AppProtocol, Service } from '../kinds/service.ts';
import type { PortProtocol, ServiceBody } from '../model/service.ts';

const spoken: Readonly<Record<AppProtocol, PortProtocol>> = {
  http: 'http',
  http2: 'http2',
  h2c: 'http2',
  'kubernetes.io/h2c': 'http2',
  'kubernetes.io/ws': 'http',
  grpc: 'grpc',
  tcp: 'tcp',
  https: 'tcp',
  tls: 'tcp',
};

/**
 * The pushed form of a service. A port without `appProtocol` speaks what the first part of its name
 * says (`grpc`, `http-web`), else HTTP. TLS of the application's own is passed through as TCP.
 */
export function serviceBody(service: Service): ServiceBody {
  const { namespace, name } = service.metadata;
  const ports = service.spec.ports.map((port) => ({
    port: port.port,
    ...(port.name === undefined ? {} : { name: port.name }),
    protocol: protocolOf(port.appProtocol, port.name),
  }));
  return { namespace, name, ports };
}

function protocolOf(appProtocol: AppProtocol | undefined, name = ''): PortProtocol {
  if (appProtocol !== undefined) return spoken[appProtocol];
  const prefix = name.split('-', 1)[0] ?? '';
  return Object.hasOwn(spoken, prefix) ? spoken[prefix as AppProtocol] : 'http';
}
