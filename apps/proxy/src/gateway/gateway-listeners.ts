/**
 * The open ports of a gateway. They follow its configuration: what a new one needs is opened before it
 * is judged, so that a port that cannot be had or a certificate that cannot be used refuses it and
 * leaves what is; what it no longer needs is let go once it is in force. A change of hosts, routes or
 * certificates closes nothing, and a port that goes finishes what is on it.
 */
import { decodeResource, type GatewayBody, type Resource } from '@leno/config';
import type { GatewayTable, ResourceFault } from '@leno/dataplane';
import type { HttpServer, PublicTlsOptions, ServerCertificate, ServerStats } from '@leno/http';
import { messageOf } from '@leno/std';
import type { JsonLogger } from '@leno/std/node';
import { ListenError, listenProblem } from '../listen.ts';
import type { CertificateStore } from './certificate-store.ts';
import { sumStats } from './sum-stats.ts';

/** What leaves may take as long as it wants: as long as a timer can wait. */
const LEAVE_MS_MAX = 2 ** 31 - 1;

export interface GatewayListenersPorts {
  /** `namespace/name` of the gateway that this proxy is. */
  readonly name: string;
  readonly host: string;
  readonly reusePort: boolean;
  readonly certificates: CertificateStore;
  /** For one port; with `tls`, it serves HTTPS. */
  createServer(port: number, tls: PublicTlsOptions | undefined): HttpServer;
  /** Counters that have counted nothing. */
  readonly noStats: ServerStats;
  readonly log: Pick<JsonLogger, 'info' | 'warn' | 'error'>;
}

interface OpenPort {
  readonly server: HttpServer;
  readonly protocol: 'http' | 'https';
}

export class GatewayListeners {
  readonly #ports: GatewayListenersPorts;
  /** At most as many as a gateway may have, twice over: in force, and prepared. */
  readonly #open = new Map<number, OpenPort>();
  /** Closed to new connections, and not empty yet. */
  readonly #leaving = new Set<HttpServer>();
  /** What was counted at ports that are gone. */
  #gone: ServerStats;
  #inForce: GatewayBody | undefined;
  #fault: ResourceFault | undefined;
  #portFault: string | undefined;
  #isDraining = false;

  constructor(ports: GatewayListenersPorts) {
    this.#ports = ports;
    this.#gone = ports.noStats;
  }

  /** Opens what the gateway of a view needs beyond what is open; `check` then has the verdict. */
  async prepare(resources: readonly Resource[]): Promise<void> {
    this.#fault = undefined;
    const resource = resources.find(
      ({ type, name }) => type === 'listener' && name === this.#ports.name,
    );
    const decoded = resource === undefined ? undefined : decodeResource(resource);
    // What cannot be read is refused by others.
    if (decoded?.ok !== true || decoded.value.type !== 'listener' || this.#isDraining) return;
    const { body } = decoded.value;
    this.#fault = (await this.#loadCertificates(body)) ?? (await this.#openPorts(body));
  }

  /** Why this gateway cannot be; undefined for others, whose business it is. */
  readonly check = (body: GatewayBody): ResourceFault | undefined =>
    `${body.namespace}/${body.name}` === this.#ports.name ? this.#fault : undefined;

  /** What is in force now: what it does not need goes. */
  commit(gateway: GatewayTable | undefined): void {
    this.#inForce = gateway?.body;
    const wanted = new Map(gateway?.body.listeners.map((it) => [it.port, it.protocol]));
    for (const [port, { protocol }] of this.#open) {
      if (wanted.get(port) !== protocol) this.#leave(port);
    }
    const names = gateway?.body.listeners.flatMap(({ certificates }) => certificates) ?? [];
    this.#ports.certificates.keep(new Set(names));
    this.certificatesChanged();
    // Only where a port has changed its protocol: it is free again, or will be at once.
    for (const port of wanted.keys()) if (!this.#open.has(port)) void this.#reopen(port);
  }

  /** Shows what is held now, for handshakes to come. */
  certificatesChanged(): void {
    for (const [port, { server, protocol }] of this.#open) {
      if (protocol === 'https' && this.#inForce !== undefined) {
        server.setTls(this.#tlsOf(this.#inForce, port));
      }
    }
  }

  /** Counters of each open port. */
  stats(): Readonly<Record<string, ServerStats>> {
    return Object.fromEntries(
      [...this.#open].map(([port, { server }]) => [`gateway:${port}`, server.stats]),
    );
  }

  /** Those that are open, and those that finish what is on them. */
  servers(): readonly HttpServer[] {
    return [...this.#leaving, ...[...this.#open.values()].map(({ server }) => server)];
  }

  /** Counters of all ports together, those that are gone included. */
  total(): ServerStats {
    return this.servers().reduce((sum, { stats }) => sumStats(sum, stats), this.#gone);
  }

  /** Whether each port that is in force is open. */
  *ports(): Iterable<readonly [port: number, isOpen: boolean]> {
    const ports = new Set(this.#inForce?.listeners.map(({ port }) => port));
    for (const port of ports) yield [port, this.#open.has(port)];
  }

  /** For people: what is not as the configuration says. */
  faults(): readonly string[] {
    const { certificates } = this.#ports;
    return [this.#fault?.msg, this.#portFault, ...certificates.faults()].filter(
      (it) => it !== undefined,
    );
  }

  /** Takes no new connection, and finishes what there is. */
  async drain(withinMs: number): Promise<void> {
    this.#isDraining = true;
    await Promise.all(this.servers().map((server) => server.drain(withinMs)));
  }

  close(): void {
    this.#isDraining = true;
    this.#ports.certificates.close();
    for (const server of this.servers()) void server.close();
  }

  async #loadCertificates(body: GatewayBody): Promise<ResourceFault | undefined> {
    for (const [index, { certificates }] of body.listeners.entries()) {
      for (const [position, name] of certificates.entries()) {
        const msg = await this.#ports.certificates.load(name);
        const path = `body.listeners[${index}].certificates[${position}]`;
        if (msg !== undefined) return { code: 'LENO_CERTIFICATE', path, msg };
      }
    }
    return undefined;
  }

  async #openPorts(body: GatewayBody): Promise<ResourceFault | undefined> {
    const opened: number[] = [];
    for (const [index, { port, protocol }] of body.listeners.entries()) {
      if (this.#open.has(port)) continue;
      try {
        await this.#openPort(body, port, protocol);
        opened.push(port);
      } catch (thrown) {
        for (const each of opened) this.#leave(each);
        const path = `body.listeners[${index}].port`;
        return { code: 'LENO_LISTEN', path, msg: messageOf(thrown) };
      }
    }
    return undefined;
  }

  async #openPort(body: GatewayBody, port: number, protocol: OpenPort['protocol']): Promise<void> {
    const { host, reusePort, log } = this.#ports;
    const tls = protocol === 'https' ? this.#tlsOf(body, port) : undefined;
    const server = this.#ports.createServer(port, tls);
    const at = { host, port };
    const bound = await server.listen(port, host, { reusePort }).catch((cause: unknown) => {
      const why = `${listenProblem(at, cause)}: choose another port in the Gateway, or another LENO_GATEWAY_HOST`;
      throw new ListenError(why, { cause });
    });
    this.#open.set(port, { server, protocol });
    log.info('listener opened', { ...bound, protocol });
  }

  async #reopen(port: number): Promise<void> {
    const listener = this.#inForce?.listeners.find((it) => it.port === port);
    if (this.#inForce === undefined || listener === undefined || this.#isDraining) return;
    try {
      await this.#openPort(this.#inForce, port, listener.protocol);
      this.#portFault = undefined;
    } catch (thrown) {
      this.#portFault = messageOf(thrown);
      this.#ports.log.error('listener not opened', { port, why: this.#portFault });
    }
  }

  #leave(port: number): void {
    const open = this.#open.get(port);
    if (open === undefined) return;
    const { server } = open;
    this.#open.delete(port);
    this.#leaving.add(server);
    this.#ports.log.info('listener closed', { port, connections: server.stats.connectionCount });
    void server.drain(LEAVE_MS_MAX).finally(() => {
      this.#leaving.delete(server);
      this.#gone = sumStats(this.#gone, server.stats);
    });
  }

  #tlsOf(body: GatewayBody, port: number): PublicTlsOptions {
    const certificates = body.listeners
      .filter((listener) => listener.port === port)
      .flatMap(({ hostname, certificates: names }) =>
        names.flatMap((name): ServerCertificate[] => {
          const held = this.#ports.certificates.get(name);
          return held === undefined ? [] : [{ ...held, hostname }];
        }),
      );
    return { kind: 'public', certificates };
  }
}
