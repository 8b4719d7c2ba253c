export { AccessPolicyBody, AccessRule } from './access-policy.ts';
export { GatewayBody, GatewayListenerBody } from './gateway.ts';
export { MeshBody, TrustBundleBody } from './mesh.ts';
export { Resource, ResourceType } from './resource.ts';
export {
  HeaderEdit,
  RetryBody,
  RouteBackend,
  RouteBody,
  RouteFilter,
  RouteMatch,
  RouteRule,
  TimeoutBody,
} from './route.ts';
export { EndpointBody, EndpointsBody, PortProtocol, ServiceBody } from './service.ts';
export {
  BalancerBody,
  BreakerBody,
  LimitsBody,
  RetryBudgetBody,
  TrafficPolicyBody,
} from './traffic-policy.ts';
