/** What a layer is, and how a call goes through those of its stack. */
import type { ResponseHead } from '@leno/http';
import type { Call } from './call.ts';

/** What a layer says after `enter`: go on, or stop because it answers or will resume by itself. */
export type Step = 'next' | 'stop';

/** One concern of a request. Holds no state of any: one object serves all of them. */
export interface Layer {
  readonly name: string;
  /** The request on its way in. */
  enter(call: Call): Step;
  /** The head of the upstream's reply on its way out, inner layers first. */
  reply?(call: Call, head: ResponseHead): void;
  /** The call has ended, inner layers first. Called for each layer whose `enter` was called. */
  leave?(call: Call): void;
}

/** Enters the layers from where the call stands until one stops it. */
export function runStack(call: Call): void {
  const { stack } = call;
  while (call.layerIndex < stack.length && !call.ended) {
    const layer = stack[call.layerIndex];
    call.layerIndex += 1;
    if (layer === undefined || layer.enter(call) === 'stop') return;
  }
}

/** Shows the reply to the layers, inner ones first. */
export function replyThroughStack(call: Call, head: ResponseHead): void {
  const { stack } = call;
  for (let index = call.layerIndex - 1; index >= 0; index -= 1) stack[index]?.reply?.(call, head);
}

/** Tells each layer that was entered that the call is over, inner ones first. */
export function leaveStack(call: Call): void {
  const { stack } = call;
  for (let index = call.layerIndex - 1; index >= 0; index -= 1) stack[index]?.leave?.(call);
}
