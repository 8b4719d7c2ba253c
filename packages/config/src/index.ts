export { type AnalyzeOptions, analyze } from './check/analyze.ts';
export { type ConfigEntry, decodeObject, type Validated, validate } from './check/validate.ts';
export { accessPolicyBody } from './compile/access-policy-body.ts';
export { attachedHosts } from './compile/attachment.ts';
export {
  type CompiledResource,
  type CompileInput,
  compileResources,
  knownServices,
  meshBundle,
} from './compile/compile-resources.ts';
export {
  endpointsBody,
  type Instance,
  implicitServiceBody,
  selectEndpoints,
} from './compile/endpoints.ts';
export { gatewayBody } from './compile/gateway-body.ts';
export { meshBody } from './compile/mesh-body.ts';
export { type KnownServices, routeBody } from './compile/route-body.ts';
export { serviceBody } from './compile/service-body.ts';
export { trafficPolicyBody } from './compile/traffic-policy-body.ts';
export { type DecodedResource, type DecodeError, decodeResource } from './decode-resource.ts';
export { type Defaults, defaults } from './defaults.ts';
export {
  type CodeEntry,
  codes,
  docsOf,
  findingsMarkdown,
  type LnCode,
  type Severity,
} from './findings/codes.ts';
export { type Finding, findingText } from './findings/finding.ts';
export { nearestName } from './findings/nearest.ts';
export { canonicalHash, canonicalJson } from './hash/canonical.ts';
export { sha256Hex } from './hash/sha256.ts';
export { viewDigest } from './hash/view-digest.ts';
export { AccessPolicy } from './kinds/access-policy.ts';
export { durationMs } from './kinds/duration.ts';
export { Gateway } from './kinds/gateway.ts';
export { HttpRoute } from './kinds/http-route.ts';
export {
  type ConfigObject,
  type JsonSchema,
  jsonSchemaOf,
  jsonSchemas,
  type Kind,
  type KindEntry,
  kinds,
  objectName,
} from './kinds/kind.ts';
export { MeshConfig } from './kinds/mesh-config.ts';
export { Service } from './kinds/service.ts';
export { TrafficPolicy } from './kinds/traffic-policy.ts';
export * from './model/index.ts';
export type { ConfigDocument } from './text/config-document.ts';
export { type ParsedText, type ParseOptions, parseDocuments } from './text/parse-documents.ts';
