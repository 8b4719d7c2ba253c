/** From what was dialled to a service, and from its routes or itself to a cluster. */
import type { Call } from '../call.ts';
import { type Layer, runStack, type Step } from '../layer.ts';
import type { Destination } from '../table/runtime-table.ts';
import { hostOf, undotted } from '../target.ts';
import { isTcpPort } from '../tcp/choose-destination.ts';
import { applyRouteToReply, chooseBackend } from './choose-backend.ts';

export const route: Layer = {
  name: 'route',
  enter(call) {
    const { head, table } = call;
    // Inside a CONNECT the destination stands, whatever Host is spoken there.
    const dialled = call.exchange.fixedAuthority ?? head.authority;
    const destination =
      table.destinations.get(dialled) ?? table.destinations.get(undotted(dialled));
    if (destination === undefined) return goOut(call, undotted(dialled));
    call.service = destination.service;
    call.peerName = destination.service.name;
    if (head.method === 'CONNECT' && isTcpPort(destination)) return connectTcp(call, dialled);
    if (head.method === 'CONNECT') {
      // The destination is fixed from here on; each request inside comes by again.
      call.exchange.acceptConnect(head.authority);
      call.status = 200;
      call.end();
      return 'stop';
    }
    return choose(call, destination);
  },
  reply: applyRouteToReply,
};

/** What is not in the mesh: let out where the mesh says so, and never but by plain HTTP. */
function goOut(call: Call, authority: string): 'stop' {
  const { egress } = call.engine;
  const isOpen = call.table.mesh?.egress === 'passthrough' && call.head.method !== 'CONNECT';
  if (egress === undefined || !isOpen) {
    call.fail('no-route', `nothing in the mesh is called ${authority}`);
    return 'stop';
  }
  call.peerName = 'egress';
  if (call.head.scheme === 'https') {
    call.fail('no-route', 'only plain HTTP is let out: https would leave without its TLS');
    return 'stop';
  }
  call.leavesMesh = true;
  egress.open(call, authority, runStack);
  return 'stop';
}

/** Bytes of any protocol: the connection leaves HTTP, and this call with it. */
function connectTcp(call: Call, dialled: string): 'stop' {
  call.status = 200;
  call.end();
  call.engine.tcp.connect(call, undotted(dialled));
  return 'stop';
}

function choose(call: Call, { service, port }: Destination): Step {
  const { routes, rules, name } = service;
  // A port that no route is bound to is balanced plainly, as if there were no routes.
  if (routes === undefined || !routes.binds(name, port)) {
    call.cluster = service.cluster;
    call.policy = service.policy;
    return 'next';
  }
  const host = hostOf(call.head.authority);
  return chooseBackend(call, { routes, rules, service: name, port, host });
}
