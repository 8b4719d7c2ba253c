import { defaults } from '../defaults.ts';
import { optionalMs } from '../kinds/duration.ts';
import type { MeshConfig } from '../kinds/mesh-config.ts';
import type { MeshBody } from '../model/mesh.ts';

/** The pushed form of the mesh-wide settings; without an object, the defaults. */
export function meshBody(config: MeshConfig | undefined, trustDomain: string): MeshBody {
  const spec = config?.spec;
  const permissive = (spec?.mtls?.permissive ?? []).map(qualified);
  const forwarders = [...new Set(spec?.mtls?.trustedForwarders)].toSorted();
  return {
    trustDomain,
    egress: spec?.egress ?? defaults.egress,
    accessLog: {
      successEvery: spec?.accessLog?.successEvery ?? defaults.accessLog.successEvery,
      slowMs: optionalMs(spec?.accessLog?.slow) ?? defaults.accessLog.slowMs,
    },
    traceRatio: spec?.tracing?.ratio ?? defaults.traceRatio,
    mtls: {
      permissive: [...new Set(permissive)].toSorted(),
      ...(forwarders.length === 0 ? {} : { trustedForwarders: forwarders }),
    },
  };
}

/** `namespace/name` of a service that was named with or without its namespace. */
export function qualified(service: string): string {
  return service.includes('/') ? service : `default/${service}`;
}
