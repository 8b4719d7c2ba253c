/**
 * A small service of gRPC with the library that most Node programs use, and its client: messages are
 * plain text, so that no schema is needed. What the service does is said by the request's own words.
 */
import {
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientUnaryCall,
  type ClientWritableStream,
  credentials,
  Metadata,
  type MethodDefinition,
  makeGenericClientConstructor,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceError,
  type StatusObject,
  type sendUnaryData,
} from '@grpc/grpc-js';

const MESSAGE_BYTES_MAX = 16 * 1_048_576;
const encode = (text: string): Buffer => Buffer.from(text);
const decode = (bytes: Buffer): string => bytes.toString();

function method(
  name: string,
  requestStream: boolean,
  responseStream: boolean,
): MethodDefinition<string, string> {
  return {
    path: `/e2e.Till/${name}`,
    requestStream,
    responseStream,
    requestSerialize: encode,
    requestDeserialize: decode,
    responseSerialize: encode,
    responseDeserialize: decode,
  };
}

const definition = {
  ask: method('Ask', false, false),
  gather: method('Gather', true, false),
  list: method('List', false, true),
  talk: method('Talk', true, true),
};

/** The service, and what it has seen of its calls. */
export class Till {
  readonly #server: Server;
  /** Calls that were cancelled, by the text of their first message. */
  readonly cancelled = new Set<string>();
  /** Deadlines of calls as they arrived, in milliseconds since 1970, by text. */
  readonly deadlines = new Map<string, number>();
  /** How often each text was asked. */
  readonly asked = new Map<string, number>();

  constructor() {
    this.#server = new Server({
      'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
      'grpc.max_concurrent_streams': 20,
    });
    this.#server.addService(definition, {
      ask: (call: ServerUnaryCall<string, string>, done: sendUnaryData<string>) =>
        this.#ask(call, done),
      gather: (call: ServerReadableStream<string, string>, done: sendUnaryData<string>) => {
        const all: string[] = [];
        call.on('data', (text: string) => all.push(text));
        call.on('end', () => done(null, all.join('+')));
      },
      list: (call: ServerWritableStream<string, string>) => this.#list(call),
      talk: (call: ServerDuplexStream<string, string>) => {
        call.on('cancelled', () => this.cancelled.add('talk'));
        call.on('data', (text: string) => call.write(`${text}!`));
        call.on('end', () => call.end());
      },
    });
  }

  /** Listens; 0 takes any port. Gives the port. */
  listen(port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const address = `127.0.0.1:${port}`;
      this.#server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
  }

  /** Breaks everything off. */
  kill(): void {
    this.#server.forceShutdown();
  }

  /**
   * `fail CODE DETAILS` fails so; `busy N …` is UNAVAILABLE the first N times; `hang …` never answers;
   * `who` tells the caller; anything else comes back.
   */
  #ask(call: ServerUnaryCall<string, string>, done: sendUnaryData<string>): void {
    const { request: text } = call;
    const count = (this.asked.get(text) ?? 0) + 1;
    this.asked.set(text, count);
    const deadline = call.getDeadline();
    this.deadlines.set(text, typeof deadline === 'number' ? deadline : deadline.getTime());
    call.on('cancelled', () => this.cancelled.add(text));
    const [word = '', second = '', ...rest] = text.split(' ');
    const trailers = new Metadata();
    trailers.set('x-trailer', 'last');
    trailers.set('x-trailer-bin', Buffer.from([0, 255, 10]));
    if (word === 'hang') return;
    if (word === 'fail') {
      done({ code: Number(second), details: rest.join(' '), metadata: trailers });
      return;
    }
    if (word === 'busy' && count <= Number(second)) {
      done({ code: 14, details: 'busy' });
      return;
    }
    const head = new Metadata();
    head.set('x-echo', String(call.metadata.get('x-own')[0] ?? ''));
    head.set('x-echo-bin', Buffer.from((call.metadata.get('x-own-bin')[0] as Buffer) ?? ''));
    call.sendMetadata(head);
    const peer = String(call.metadata.get('x-leno-peer')[0] ?? '');
    done(null, word === 'who' ? peer : text, trailers);
  }

  /** `COUNT BYTES`: so many messages of so many bytes. */
  #list(call: ServerWritableStream<string, string>): void {
    const [count = 0, bytes = 0] = call.request.split(' ').map(Number);
    call.on('cancelled', () => this.cancelled.add(call.request));
    let left = count;
    const more = (): void => {
      while (left > 0 && !call.cancelled) {
        left -= 1;
        if (!call.write(String(left).padEnd(bytes, '.'))) {
          call.once('drain', more);
          return;
        }
      }
      call.end();
    };
    more();
  }
}

/** What a unary call has brought. */
export interface Told {
  readonly text: string | undefined;
  readonly status: StatusObject;
  readonly head: Metadata;
}

interface Stub {
  ask(
    text: string,
    metadata: Metadata,
    options: { deadline?: number },
    done: (error: ServiceError | null, text?: string) => void,
  ): ClientUnaryCall;
  gather(
    metadata: Metadata,
    options: object,
    done: (error: ServiceError | null, text?: string) => void,
  ): ClientWritableStream<string>;
  list(text: string, metadata: Metadata): ClientReadableStream<string>;
  talk(metadata: Metadata): ClientDuplexStream<string, string>;
}

/** A client of the till that asks a sidecar for it. */
export class TillClient {
  readonly stub: Stub;
  readonly #close: () => void;

  /** `address` is `host:port` of the sidecar, `authority` the name of the service. */
  constructor(address: string, authority: string) {
    const Client = makeGenericClientConstructor(definition, 'Till');
    const client = new Client(address, credentials.createInsecure(), {
      'grpc.default_authority': authority,
      'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
      // What is tried again is for the mesh to say.
      'grpc.enable_retries': 0,
    });
    this.stub = client as unknown as Stub;
    this.#close = () => client.close();
  }

  /** Asks once; never rejects. `fields` go along as metadata. */
  ask(
    text: string,
    fields: Readonly<Record<string, string | Buffer>> = {},
    timeoutMs?: number,
  ): Promise<Told> {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(fields)) metadata.set(name, value);
    const options = timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
    return new Promise((resolve) => {
      let head = new Metadata();
      let reply: string | undefined;
      const call = this.stub.ask(text, metadata, options, (_, got) => (reply = got));
      call.on('metadata', (got) => (head = got));
      call.on('status', (status) => {
        setImmediate(() => resolve({ text: reply, status, head }));
      });
    });
  }

  close(): void {
    this.#close();
  }
}
