/** At a gateway: from port and host to a door, from the request to a rule of what is attached there. */
import type { Call } from '../call.ts';
import type { Layer, Step } from '../layer.ts';
import type { Door } from '../table/gateway-table.ts';
import { hostOf, undotted } from '../target.ts';
import { applyRouteToReply, chooseBackend } from './choose-backend.ts';

export const gatewayRoute: Layer = {
  name: 'gateway-route',
  enter(call) {
    const { head, table } = call;
    const { gateway } = table;
    if (head.method === 'CONNECT') {
      call.fail('bad-request', 'CONNECT is not for gateways');
      return 'stop';
    }
    const host = undotted(hostOf(head.authority));
    const door = gateway?.doorOf(call.gatewayPort, host);
    if (gateway === undefined || door === undefined) {
      call.fail('no-route', `no listener of this gateway takes ${host}`);
      return 'stop';
    }
    return isMisdirected(call, door) ? refuse(call, host) : enterDoor(call, door, host);
  },
  reply: applyRouteToReply,
};

function enterDoor(call: Call, { routes, listener }: Door, host: string): Step {
  const { gateway } = call.table;
  if (routes === undefined || gateway === undefined) {
    call.fail('no-route', `no route is attached to the listener ${listener.name}`);
    return 'stop';
  }
  const { rules, name } = gateway;
  const step = chooseBackend(call, { routes, rules, service: name, port: listener.port, host });
  if (call.backend !== undefined) call.peerName = call.backend.service;
  return step;
}

/**
 * A client that came for another name, whose door may have other terms, is to open a connection of
 * its own for this one (RFC 9110 §15.5.20): browsers reuse one for all names of its certificate.
 */
function isMisdirected(call: Call, door: Door): boolean {
  if (door.listener.protocol !== 'https') return false;
  const { serverName = '' } = call.exchange.peer;
  return call.table.gateway?.doorOf(call.gatewayPort, serverName) !== door;
}

function refuse(call: Call, host: string): Step {
  call.fail('misdirected', `the connection was made for another name than ${host}`);
  return 'stop';
}
