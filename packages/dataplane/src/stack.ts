/**
 * The map of the proxy. Each list names the layers that a request goes through, outermost first.
 * Layers hold no state of a request, so that one object serves all of them; a layer decides with an
 * engine of layer 1, writes what it decided into the call, and lets it go on or stops it.
 */
import type { Layer } from './layer.ts';
import { authorize } from './layers/authorize.ts';
import { deadline } from './layers/deadline.ts';
import { edgeHeaders } from './layers/edge-headers.ts';
import { forward } from './layers/forward.ts';
import { gatewayRoute } from './layers/gateway-route.ts';
import { identityHeaders } from './layers/identity-headers.ts';
import { observe } from './layers/observe.ts';
import { route } from './layers/route.ts';
import { shed } from './layers/shed.ts';
import { tries } from './layers/tries.ts';

/** What the application asks of the mesh. */
export const outboundStack: readonly Layer[] = [
  // First in, last out: it sees every request and every end, refusals included.
  observe,
  // As early as can be: what is refused because memory is short shall need little of it.
  shed,
  // Identity headers from the application are stripped before anything can read them.
  identityHeaders,
  route,
  // Behind route: the rule and the policy of its service say how long.
  deadline,
  // Innermost: balances, sends, and tries again; breakers see each try, the layers above only the end.
  tries,
];

/** What the outside asks of the mesh: as the application does, but believed in less. */
export const gatewayStack: readonly Layer[] = [
  observe,
  shed,
  // Before anything reads them: the outside may claim nothing at all.
  edgeHeaders,
  gatewayRoute,
  deadline,
  tries,
];

/** What the mesh asks of the application. */
export const inboundStack: readonly Layer[] = [
  observe,
  shed,
  // What the caller claims is stripped, who it is is added; authorization reads the socket, and the
  // word of a forwarder that the mesh trusts.
  identityHeaders,
  authorize,
  // To the application, once: retries belong to the side that called.
  forward,
  // Behind forward, whose policy has no time of its own: only the caller's deadline counts here.
  deadline,
  tries,
];
