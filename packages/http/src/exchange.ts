/**
 * What the wire hands to the layers above it and takes from them: one exchange at a server, one try
 * at a client, and bodies as pushed bytes with back-pressure. Nothing here is a promise: each
 * callback runs in the turn of the event loop in which its bytes came.
 */
import type { FieldList } from './fields.ts';
import type { TcpSocket } from './tcp/tcp-socket.ts';

/** The start line and fields of a request, after every check of framing and target has passed. */
export interface RequestHead {
  /** As sent; methods are case-sensitive. `CONNECT` has an empty `target`. */
  readonly method: string;
  /** Origin-form: path and query, or `*` for OPTIONS. Absolute-form has been taken apart. */
  readonly target: string;
  /** Host as said by Host, an absolute-form target or CONNECT: lower case, with the port if there was one. */
  readonly authority: string;
  /** Minor version of HTTP/1 as spoken by the client. */
  readonly minorVersion: 0 | 1;
  /** End-to-end fields only: hop-by-hop ones and framing are gone; `te` survives as `trailers`. */
  readonly fields: FieldList;
  /** `undefined` if chunked; 0 if there is no body. */
  readonly contentLength: number | undefined;
  /** The protocol asked for by `Upgrade`, in lower case, if the connection may leave HTTP. */
  readonly upgrade: string | undefined;
  /** `https` if an absolute-form target or `:scheme` says so: what was asked for is TLS all the way. */
  readonly scheme?: 'http' | 'https';
  /** Whether the client waits for 100 before it sends its body. */
  readonly expectsContinue: boolean;
}

/** The start line and fields of a reply, likewise cleaned. */
export interface ResponseHead {
  readonly status: number;
  readonly fields: FieldList;
  /** `undefined` if the length is not known beforehand (chunked, or until the close). */
  readonly contentLength: number | undefined;
  /** At a server: whether the connection ends with this reply; HTTP/2 ends none. Default false. */
  readonly close?: boolean;
}

/** Takes a body, piece by piece. */
export interface BodySink {
  /**
   * Takes a piece; the bytes are valid during the call only, a sink that keeps them copies them.
   * False asks the source to stop until `onDrain` is called; what comes nevertheless is taken.
   */
  write(chunk: Uint8Array): boolean;
  /** The body is whole. Called once, never after `abort`. */
  end(trailers?: FieldList): void;
  /** The body will never be whole; whoever waits for it must learn that. Called at most once. */
  abort(cause: string): void;
  /** Set by the source; called by the sink after a `write` that gave false, when there is room. */
  onDrain: (() => void) | undefined;
}

/** Who is at the other end of an accepted connection, as the socket itself shows it. */
export interface Peer {
  readonly address: string;
  readonly port: number;
  /** `mtls` only if the certificate was verified and carries exactly one SPIFFE id. */
  readonly transport: 'mtls' | 'tls' | 'plain';
  /** The SPIFFE id; only with `mtls`. */
  readonly identity: string | undefined;
  /** The name that it has asked for in its TLS hello (SNI), in lower case; absent if none. */
  readonly serverName?: string | undefined;
}

/** One request at a server, from the end of its head to the last byte of its reply. */
export interface ServerExchange {
  readonly head: RequestHead;
  readonly peer: Peer;
  /** When the first byte of the head was read, on the server's clock. */
  readonly startedAtMs: number;
  /** Whether `respond` was called. */
  readonly responded: boolean;
  /** After `acceptConnect`: the destination of everything on this connection, else undefined. */
  readonly fixedAuthority?: string | undefined;
  /**
   * Lets the body of the request flow into `sink`. Until then it is not read from the socket, and a
   * client that waits for 100 is not told to go on. Called again, it changes the sink. If the reply
   * is finished first, the sink is aborted.
   */
  readBody(sink: BodySink): void;
  /** Throws the body away as it comes, up to a bound after which the connection is closed. */
  discardBody(): void;
  /** Sends an interim reply (1xx, not 101). */
  interim(status: number, fields: FieldList): void;
  /**
   * Sends the head of the reply, and the whole body if it is given; else the sink takes it. Legal
   * once. For HEAD, 204 and 304 the body is swallowed.
   */
  respond(head: ResponseHead, body?: Uint8Array): BodySink;
  /** Breaks the connection off: for a reply that cannot be finished honestly. */
  abort(cause: string): void;
  /**
   * After an `Upgrade` (with 101 and these fields) or a CONNECT (200): HTTP ends here and bytes flow
   * both ways. What the client sends goes to `sink`; the sink that is returned goes to the client.
   */
  tunnel(fields: FieldList | undefined, sink: BodySink): BodySink;
  /**
   * After a CONNECT: answers 200 and goes on reading HTTP/1.1 on this connection, or on its stream,
   * every request of which has `authority` as its fixed destination, whatever its Host says.
   */
  acceptConnect(authority: string): void;
  /**
   * After a CONNECT: answers 200 and gives the connection itself away, for bytes of any protocol; over
   * HTTP/2 its stream. Undefined if it is gone, or if a server that is full has refused it.
   */
  takeSocket(): TcpSocket | undefined;
  /** Set by the handler: the client went away, or broke the protocol, before the reply was done. */
  onClose: ((cause: 'client-gone' | 'bad-request' | 'client-timeout') => void) | undefined;
  /** Set by the handler: the last byte of the reply was handed to the socket. */
  onDone: (() => void) | undefined;
}

/** Why a try failed before its reply had a whole head. The names are reason codes. */
export interface TryFailure {
  readonly reason:
    | 'connect-failed'
    | 'connect-timeout'
    | 'upstream-reset'
    | 'upstream-protocol'
    | 'upstream-identity'
    | 'overflow';
  /** True if it is proved that the other side processed nothing of the request. */
  readonly unprocessed: boolean;
  readonly detail: string;
}

/** What happens to one try. No call comes before `request` has returned. */
export interface TryEvents {
  /** A connection is there, and the head is being written. `reused`: it had served before. */
  onSent(reused: boolean): void;
  /** 1xx other than 101. */
  onInterim(status: number, fields: FieldList): void;
  /** The head of the reply; its body goes to the sink that is returned. */
  onHead(head: ResponseHead): BodySink;
  /** 101 or the 2xx of a CONNECT: bytes flow. `toPeer` takes ours, the returned sink gets theirs. */
  onTunnel(head: ResponseHead, toPeer: BodySink): BodySink;
  /** No whole head will come. After the head a broken reply shows as `abort` of its sink. */
  onFailure(failure: TryFailure): void;
}

/** One request on its way to an upstream. */
export interface ClientTry {
  /**
   * Takes the body of the request. For a request without one, `end` has been called already.
   * Its `abort` is a `cancel`: the upstream never sees the request as whole. After the end of the
   * reply it takes everything and does nothing.
   */
  readonly body: BodySink;
  /** Gives the try up: closes its connection if bytes were sent. No event comes afterwards. */
  cancel(): void;
}

/** The head of a request as it is to be sent; framing and Host are written by the codec. */
export interface OutgoingRequest {
  readonly method: string;
  readonly target: string;
  /** Value of Host. */
  readonly authority: string;
  readonly fields: FieldList;
  /** `undefined` sends chunked. */
  readonly contentLength: number | undefined;
  readonly upgrade: string | undefined;
}
