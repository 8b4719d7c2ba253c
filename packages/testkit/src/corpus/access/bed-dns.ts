/** A DNS server (RFC 1035) that gives the answers of a case, and notes how often it was asked. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { parseAddress } from '@leno/authz';

/** What a name stands for: at first, and from the second question on. */
export interface NameAnswers {
  readonly resolves: readonly string[];
  readonly thenResolves?: readonly string[] | undefined;
}

const HEADER_BYTES = 12;
const TYPE_A = 1;
const TYPE_AAAA = 28;
/** Nothing is to be kept. */
const TTL_S = 0;

export class BedDns {
  readonly #socket: Socket;
  #names = new Map<string, NameAnswers>();
  /** Questions by name and type. */
  #counts = new Map<string, number>();

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (query, from) => this.#answer(query, from));
    socket.on('error', () => undefined);
  }

  static async open(): Promise<BedDns> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    return new BedDns(socket);
  }

  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  /** Forgets all names but these. */
  set(names: ReadonlyMap<string, NameAnswers>): void {
    this.#names = new Map(names);
    this.#counts = new Map();
  }

  close(): void {
    this.#socket.close();
  }

  #answer(query: Buffer, from: RemoteInfo): void {
    const question = questionIn(query);
    if (question === undefined) return;
    const { name, type, end } = question;
    const known = this.#names.get(name.toLowerCase());
    const key = `${type} ${name.toLowerCase()}`;
    const count = this.#counts.get(key) ?? 0;
    this.#counts.set(key, count + 1);
    const all = count === 0 ? known?.resolves : (known?.thenResolves ?? known?.resolves);
    const records = (all ?? []).flatMap((it) => recordOf(it, type) ?? []);
    const header = Buffer.alloc(HEADER_BYTES);
    query.copy(header, 0, 0, 2);
    // A response, recursion desired and available; NXDOMAIN for names that nobody knows.
    header.writeUInt16BE(known === undefined ? 0x8183 : 0x8180, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(records.length, 6);
    const reply = Buffer.concat([header, query.subarray(HEADER_BYTES, end), ...records]);
    this.#socket.send(reply, from.port, from.address);
  }
}

function questionIn(query: Buffer) {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const end = at + 5;
  if (end > query.length) return undefined;
  return { name: labels.join('.'), type: query.readUInt16BE(at + 1), end };
}

/** One answer; undefined if the address is not of that type. */
function recordOf(address: string, type: number): Buffer | undefined {
  const number = parseAddress(address);
  if (number === undefined || (type === TYPE_AAAA) !== address.includes(':')) return undefined;
  if (type !== TYPE_A && type !== TYPE_AAAA) return undefined;
  const octetCount = type === TYPE_A ? 4 : 16;
  const hex = number
    .toString(16)
    .padStart(32, '0')
    .slice(-2 * octetCount);
  const head = Buffer.alloc(HEADER_BYTES);
  // The name is that of the question.
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(TTL_S, 6);
  head.writeUInt16BE(octetCount, 10);
  return Buffer.concat([head, Buffer.from(hex, 'hex')]);
}
