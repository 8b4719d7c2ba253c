/** One end of an HTTP/2 connection with frames by hand at the other. */
import type { BodySink, OutgoingRequest, ResponseHead } from '../exchange.ts';
import { FieldList } from '../fields.ts';
import { H2Client } from '../h2/h2-client.ts';
import { type H2Limits, type H2Stats, h2LimitsOf, newH2Stats } from '../h2/h2-options.ts';
import { H2Server } from '../h2/h2-server.ts';
import type { H2Stream, StreamBreak, StreamEvents } from '../h2/h2-stream.ts';
import type { H2RequestHead } from '../h2/request-section.ts';
import { PREFACE, RecordingPort, settings, settingsAck } from './h2-wire.ts';
import { CollectingSink } from './sinks.ts';

/** What happened to one stream, as a log; its body goes to `body`, unless told not to. */
export class RecordedStream implements StreamEvents {
  readonly log: string[] = [];
  readonly body: CollectingSink;
  stream: H2Stream | undefined = undefined;
  head: ResponseHead | undefined = undefined;
  why: StreamBreak | undefined = undefined;
  takesBody = true;

  constructor(body = new CollectingSink()) {
    this.body = body;
  }

  onInterim(status: number): void {
    this.log.push(`interim ${status}`);
  }

  onHead(head: ResponseHead): void {
    this.log.push(`head ${head.status}`);
    this.head = head;
    if (this.takesBody) this.stream?.readBody(this.body);
  }

  onSent(): void {
    this.log.push('sent');
  }

  onReceived(): void {
    this.log.push('received');
  }

  onBroken(why: StreamBreak): void {
    this.why = why;
    this.log.push(`broken by ${why.by} ${why.errorCode}${why.unprocessed ? ' unprocessed' : ''}`);
  }
}

export interface ServedRequest extends RecordedStream {
  readonly request: H2RequestHead;
  readonly stream: H2Stream;
}

export interface ServerBed {
  readonly server: H2Server;
  readonly port: RecordingPort;
  readonly stats: H2Stats;
  readonly requests: ServedRequest[];
  readonly refusals: string[];
  /** Time of the bed: it goes on only by hand. */
  nowMs: number;
  send(...octets: Buffer[]): void;
  /** The frames that the server has sent since the last call. */
  out(): string[];
}

/** `onRequest` runs at once; without it nothing is answered. */
export function serverBed(
  limits: Partial<H2Limits> = {},
  onRequest?: (request: ServedRequest) => void,
): ServerBed {
  const port = new RecordingPort();
  const stats = newH2Stats();
  const requests: ServedRequest[] = [];
  const refusals: string[] = [];
  const events = {
    onRequest(stream: H2Stream, request: H2RequestHead) {
      const served: ServedRequest = Object.assign(new RecordedStream(), { request, stream });
      stream.events = served;
      requests.push(served);
      if (onRequest === undefined) stream.readBody(served.body);
      else onRequest(served);
    },
    onRefused({ detail }: { detail: string }, status: number) {
      refusals.push(`${status} ${detail}`);
      return FieldList.of([['x-why', 'refused']]);
    },
  };
  const server = new H2Server({ limits: h2LimitsOf(limits), stats, port, nowMs: 0 }, events);
  const bed: ServerBed = {
    server,
    port,
    stats,
    requests,
    refusals,
    nowMs: 0,
    send(...octets) {
      server.receive(Buffer.concat(octets), bed.nowMs);
      server.flush();
    },
    out() {
      server.flush();
      return port.frames();
    },
  };
  return bed;
}

/** As `serverBed`, after the greetings of both sides. */
export function openServer(...args: Parameters<typeof serverBed>): ServerBed {
  const bed = serverBed(...args);
  bed.send(PREFACE, settings(), settingsAck);
  bed.out();
  return bed;
}

export interface ClientBed {
  readonly client: H2Client;
  readonly port: RecordingPort;
  readonly stats: H2Stats;
  nowMs: number;
  send(...octets: Buffer[]): void;
  out(): string[];
  request(outgoing?: Partial<OutgoingRequest>): RecordedStream & { readonly stream: H2Stream };
}

const get: OutgoingRequest = {
  method: 'GET',
  target: '/p',
  authority: 'svc.local',
  fields: new FieldList(),
  contentLength: 0,
  upgrade: undefined,
};

export function clientBed(limits: Partial<H2Limits> = {}): ClientBed {
  const port = new RecordingPort();
  const stats = newH2Stats();
  const client = new H2Client({ limits: h2LimitsOf(limits), stats, port, nowMs: 0 }, false);
  const bed: ClientBed = {
    client,
    port,
    stats,
    nowMs: 0,
    send(...octets) {
      client.receive(Buffer.concat(octets), bed.nowMs);
      client.flush();
    },
    out() {
      client.flush();
      return port.frames();
    },
    request(outgoing = {}) {
      const events = new RecordedStream();
      const stream = client.request({ ...get, ...outgoing }, events);
      return Object.assign(events, { stream });
    },
  };
  return bed;
}

/** As `clientBed`, after the greetings of both sides. */
export function openClient(...args: Parameters<typeof clientBed>): ClientBed {
  const bed = clientBed(...args);
  bed.send(settings(), settingsAck);
  bed.out();
  return bed;
}

/** A sink that says it is full, until it is told otherwise. */
export class SlowSink extends CollectingSink {
  constructor() {
    super(() => false);
  }

  goOn(): void {
    (this as BodySink).onDrain?.();
  }
}
