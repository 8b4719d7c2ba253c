/** From what was dialled to a service, from the request to a rule, from its weights to a cluster. */
import { pickBackend } from '@leno/routing';
import type { Call } from '../call.ts';
import { type Layer, runStack } from '../layer.ts';
import { applyRequestFilters, applyResponseFilters } from '../table/filters.ts';
import type { Destination } from '../table/runtime-table.ts';
import { isTcpPort } from '../tcp/choose-destination.ts';

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
  reply(call, head) {
    if (call.backend !== undefined) applyResponseFilters(call.backend.filters, head.fields);
    if (call.rule !== undefined) applyResponseFilters(call.rule.rule.filters, head.fields);
  },
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
  if (call.exchange.takeSocket === undefined) {
    call.fail('bad-request', 'CONNECT to a port for TCP needs HTTP/1.1');
    return 'stop';
  }
  call.status = 200;
  call.end();
  call.engine.tcp.connect(call, undotted(dialled));
  return 'stop';
}

function choose(call: Call, destination: Destination): 'next' | 'stop' {
  const { service, port } = destination;
  // A port that no route is bound to is balanced plainly, as if there were no routes.
  if (service.routes === undefined || !service.routes.binds(service.name, port)) {
    call.cluster = service.cluster;
    call.policy = service.policy;
    return 'next';
  }
  const { path, query } = splitTarget(call.head.target);
  const { fields } = call.head;
  const found = service.routes.match({
    service: service.name,
    port,
    host: hostOf(call.head.authority),
    method: call.head.method,
    path,
    query,
    header: (name) => fields.get(name),
  });
  if (found === undefined) {
    call.fail('no-route', `no rule of ${service.name} matches ${call.head.method} ${path}`);
    return 'stop';
  }
  const rule = service.rules.get(found.rule);
  const backend = pickBackend(found.rule, call.engine.rng);
  const cluster = backend === undefined ? undefined : rule?.clusters.get(backend);
  if (rule === undefined || backend === undefined || cluster === undefined) {
    call.routeName = rule?.routeName ?? '-';
    const why = backend?.invalid ?? 'the rule has no backend';
    call.fail('invalid-backend', why);
    return 'stop';
  }
  call.rule = rule;
  call.backend = backend;
  call.routeName = rule.routeName;
  call.policy = rule.policy;
  call.cluster = cluster;
  applyRequestFilters(found.rule.filters, fields);
  applyRequestFilters(backend.filters, fields);
  return 'next';
}

/** A name that ends in a dot is the same name, said absolutely. */
function undotted(authority: string): string {
  return authority.replace(/\.(?=:|$)/, '');
}

function splitTarget(target: string): { path: string; query: string } {
  const mark = target.indexOf('?');
  if (mark < 0) return { path: target, query: '' };
  return { path: target.slice(0, mark), query: target.slice(mark + 1) };
}

function hostOf(authority: string): string {
  const colon = authority.lastIndexOf(':');
  return colon > authority.lastIndexOf(']') ? authority.slice(0, colon) : authority;
}
