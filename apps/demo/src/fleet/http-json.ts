import { Agent, request as httpRequest } from 'node:http';

/** A request of the supervisor itself: to an app's knobs and counts, to the control plane. */
export interface HttpCall {
  readonly url: string;
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Default 10,000. */
  readonly timeoutMs?: number;
}

/** What came back. */
export interface HttpReply {
  readonly status: number;
  readonly text: string;
}

// An agent of its own is not sent through the proxy that the user's environment may name.
const agent = new Agent({ keepAlive: false });

/** Sends it and reads the whole reply; rejects if there is none. */
export function httpCall(call: HttpCall): Promise<HttpReply> {
  const lengths = call.body === undefined ? {} : { 'content-length': Buffer.byteLength(call.body) };
  return new Promise((resolve, reject) => {
    const request = httpRequest(call.url, {
      agent,
      method: call.method ?? 'GET',
      headers: { ...call.headers, ...lengths },
      signal: AbortSignal.timeout(call.timeoutMs ?? 10_000),
    });
    request.on('error', reject);
    request.on('response', (reply) => {
      let text = '';
      reply.setEncoding('utf8');
      reply.on('data', (piece: string) => {
        text += piece;
      });
      reply.on('error', reject);
      reply.on('end', () => resolve({ status: reply.statusCode ?? 0, text }));
    });
    request.end(call.body);
  });
}

/** The same where nothing but a 2xx with JSON will do. */
export async function httpJson(call: HttpCall): Promise<unknown> {
  const reply = await httpCall(call);
  if (reply.status < 200 || reply.status > 299) {
    throw new Error(
      `${call.method ?? 'GET'} ${call.url}: ${reply.status} ${reply.text.slice(0, 2_000)}`,
    );
  }
  return JSON.parse(reply.text) as unknown;
}
