/** The bed of the HTTP corpora: a recorder, a proxy in front of it, and the control of both. */
import { addedFields, recorderBody } from '../http/judge-exchange.ts';
import type { SeenContext } from '../http/judge-seen.ts';
import { readReplies } from '../http/reply-reader.ts';
import { ProxyProcess, type Usage } from './proxy-process.ts';
import { CLIENT_ADDRESS, RawClient } from './raw-client.ts';
import { Recorder } from './recorder.ts';
import { until } from './until.ts';

const CONTROL_WITHIN_MS = 1_000;

/** How an ordinary client of a bed comes in. */
export type Dial = (proxy: ProxyProcess, onChunk?: (chunk: Buffer) => void) => Promise<RawClient>;

export class Bed {
  readonly recorder: Recorder;
  #proxy: ProxyProcess;
  readonly #restart: () => Promise<ProxyProcess>;
  readonly #dial: Dial;
  #controlCount = 0;
  #proxyFields: readonly string[] = [];

  private constructor(
    recorder: Recorder,
    proxy: ProxyProcess,
    restart: () => Promise<ProxyProcess>,
    dial: Dial,
  ) {
    this.recorder = recorder;
    this.#proxy = proxy;
    this.#restart = restart;
    this.#dial = dial;
  }

  /** `named` are ports that requests may write behind the hosts of the bed. */
  static async open(named: readonly number[]): Promise<Bed> {
    const recorder = new Recorder();
    const ports = { ...(await recorder.listen()), named };
    const start = (): Promise<ProxyProcess> => ProxyProcess.start(ports);
    return Bed.of(recorder, start, (proxy, onChunk) => RawClient.open(proxy.outboundPort, onChunk));
  }

  /** A bed whose proxy is started in another way, and whose clients come in by `dial`. */
  static async of(
    recorder: Recorder,
    start: () => Promise<ProxyProcess>,
    dial: Dial,
  ): Promise<Bed> {
    return new Bed(recorder, await start(), start, dial);
  }

  get proxy(): ProxyProcess {
    return this.#proxy;
  }

  get context(): SeenContext {
    return { client: CLIENT_ADDRESS, proxyFields: this.#proxyFields };
  }

  /** Why the proxy is not what it should be. */
  get problem(): string | undefined {
    return this.#proxy.problem;
  }

  connect(onChunk?: (chunk: Buffer) => void): Promise<RawClient> {
    return this.#dial(this.#proxy, onChunk);
  }

  usage(): Promise<Usage> {
    return this.#proxy.usage();
  }

  /** A new proxy process, whatever the old one does. */
  async restart(): Promise<void> {
    await this.#proxy.stop();
    this.#proxy = await this.#restart();
  }

  async close(): Promise<void> {
    await this.#proxy.stop();
    this.recorder.close();
  }

  /** An ordinary request on a connection of its own; says what is wrong with it. */
  async control(): Promise<string | undefined> {
    this.#controlCount += 1;
    const target = `/control-${process.pid}-${this.#controlCount}`;
    const before = this.recorder.requests.length;
    let client: RawClient;
    try {
      client = await this.connect();
    } catch (thrown) {
      return `no connection: ${String(thrown)}`;
    }
    await client.write(Buffer.from(`GET ${target} HTTP/1.1\r\nHost: svc.local\r\n\r\n`));
    const repliesOf = () => readReplies(client.octets, ['GET'], client.end);
    await until(() => repliesOf().finals[0]?.isWhole === true, CONTROL_WITHIN_MS);
    const { finals, problem } = repliesOf();
    client.destroy();
    const [reply] = finals;
    if (problem !== undefined) return problem;
    if (reply === undefined || !reply.isWhole) return `no reply within ${CONTROL_WITHIN_MS} ms`;
    const is = `${reply.status} ${reply.body.toString('latin1').slice(0, 200)}`;
    if (is !== `200 ${recorderBody('GET', target)}`) return `answered ${is}`;
    const [seen, ...more] = this.recorder.requests.slice(before);
    if (seen?.target !== target || seen.upstream !== 'svc' || more.length > 0) {
      return `upstream saw ${[seen, ...more].map((it) => it?.target).join(', ')}`;
    }
    this.#proxyFields = addedFields(seen, ['host']);
    return this.problem ?? this.recorder.problems[0];
  }
}
