import { gatewayGroup } from './gateway.ts';

/** Whether a reference of a route is one to a Gateway of the Gateway API; its group may be left out. */
export function isGatewayRef(ref: {
  readonly kind: string;
  readonly group?: string | undefined;
}): boolean {
  return ref.kind === 'Gateway' && (ref.group ?? gatewayGroup) === gatewayGroup;
}

/** Whether it is one to a Service, whose group is empty. */
export function isServiceRef(ref: {
  readonly kind: string;
  readonly group?: string | undefined;
}): boolean {
  return ref.kind === 'Service' && (ref.group ?? '') === '';
}
