import { Agent, request as httpRequest } from 'node:http';
import type { Step } from './journeys.ts';
import type { SendStep, Visitor } from './load-generator.ts';

const timeoutMs = 20_000;

/** Sends steps to the shop at `address` (`host:port`) over kept connections, by no proxy. */
export function createShopClient(address: string): { readonly send: SendStep; close(): void } {
  const agent = new Agent({ keepAlive: true, maxSockets: 512 });
  return {
    send: (step, visitor) => sendStep(`http://${address}${step.path}`, { agent, step, visitor }),
    close: () => agent.destroy(),
  };
}

interface Sending {
  readonly agent: Agent;
  readonly step: Step;
  readonly visitor: Visitor;
}

function sendStep(url: string, { agent, step, visitor }: Sending): Promise<number> {
  const body = step.form === undefined ? undefined : new URLSearchParams(step.form).toString();
  const headers: Record<string, string> = {
    cookie: `session=${visitor.session}`,
    'x-request-id': visitor.requestId,
    'x-demo-caller': 'visitor',
  };
  if (body !== undefined) {
    headers['content-type'] = 'application/x-www-form-urlencoded';
    headers['content-length'] = String(Buffer.byteLength(body));
  }
  return new Promise((resolve) => {
    const request = httpRequest(url, { method: step.method, agent, headers });
    request.setTimeout(timeoutMs, () => request.destroy(new Error('timed out')));
    request.on('error', () => resolve(0));
    request.on('response', (reply) => {
      reply.resume();
      reply.on('error', () => resolve(0));
      reply.on('end', () => resolve(reply.statusCode ?? 0));
    });
    request.end(body);
  });
}
