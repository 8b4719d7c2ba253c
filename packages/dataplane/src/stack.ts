/**
 * The map of the proxy. Each list names the layers that a request goes through, outermost first.
 * Layers hold no state of a request, so that one object serves all of them; a layer decides with an
 * engine of layer 1, writes what it decided into the call, and lets it go on or stops it.
 */
import type { ResponseHead } from '@leno/http';
import type { Call } from './call.ts';
import { authorize } from './layers/authorize.ts';
import { deadline } from './layers/deadline.ts';
import { forward } from './layers/forward.ts';
import { identityHeaders } from './layers/identity-headers.ts';
import { observe } from './layers/observe.ts';
import { route } from './layers/route.ts';
import { tries } from './layers/tries.ts';

/** What a layer says after `enter`: go on, or stop because it answers or will resume by itself. */
export type Step = 'next' | 'stop';

export interface Layer {
  readonly name: string;
  /** The request on its way in. */
  enter(call: Call): Step;
  /** The head of the upstream's reply on its way out, inner layers first. */
  reply?(call: Call, head: ResponseHead): void;
  /** The call has ended, inner layers first. Called for each layer whose `enter` was called. */
  leave?(call: Call): void;
}

export const outboundStack: readonly Layer[] = [
  // First in, last out: it sees every request and every end, refusals included.
  observe,
  // Identity headers from the application are stripped before anything can read them.
  identityHeaders,
  route,
  // Behind route: the rule and the policy of its service say how long.
  deadline,
  // Innermost: balances, sends, and tries again; breakers see each try, the layers above only the end.
  tries,
];

export const inboundStack: readonly Layer[] = [
  observe,
  // What the caller claims is stripped, who it is is added; authorization reads the socket alone.
  identityHeaders,
  authorize,
  deadline,
  // To the application, once: retries belong to the side that called.
  forward,
  tries,
];

/** Enters the layers from where the call stands until one stops it. */
export function runStack(call: Call): void {
  const layers = stackOf(call);
  while (call.layerIndex < layers.length && !call.ended) {
    const layer = layers[call.layerIndex];
    call.layerIndex += 1;
    if (layer === undefined || layer.enter(call) === 'stop') return;
  }
}

/** Shows the reply to the layers, inner ones first. */
export function replyThroughStack(call: Call, head: ResponseHead): void {
  const layers = stackOf(call);
  for (let index = call.layerIndex - 1; index >= 0; index -= 1) layers[index]?.reply?.(call, head);
}

/** Tells each layer that was entered that the call is over, inner ones first. */
export function leaveStack(call: Call): void {
  const layers = stackOf(call);
  for (let index = call.layerIndex - 1; index >= 0; index -= 1) layers[index]?.leave?.(call);
}

function stackOf(call: Call): readonly Layer[] {
  return call.direction === 'outbound' ? outboundStack : inboundStack;
}
