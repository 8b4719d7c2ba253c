/**
 * What the push server's sessions ask for, answered: who may say what about which instance, who
 * gets a certificate, and what is remembered of each proxy. Nothing that a proxy says of itself is believed
 * where its certificate can tell: service and namespace have to be those of its SPIFFE id.
 */
import { type Clock, err, ok, type Result, type Timers } from '@leno/std';
import type { EventLog, EventSeverity } from './event-log.ts';
import { serviceOf } from './identity.ts';
import type { MeshState } from './mesh-state.ts';
import { awaitConvergence } from './proxies/convergence.ts';
import type { ProxyBook } from './proxies/proxy-book.ts';
import type { ProxyNode, ProxySession } from './proxies/proxy-session.ts';
import type { Instance } from './registry/instance.ts';
import { StatBody } from './traffic/stat.ts';
import type { Traffic } from './traffic/traffic.ts';

/** An instance as a lease message describes it; `LeaseInstance` of the push protocol fits. */
export interface RegisteredInstance {
  readonly id: string;
  readonly service: string;
  readonly ns: string;
  readonly address: string;
  readonly port: number;
  readonly weight: number;
  readonly health: 'ready' | 'draining';
  readonly transport: 'mtls' | 'plain';
  readonly zone?: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
}

/** What a session says about instances; `LeaseCommand` of the push protocol fits. */
export type RegistryCommand =
  | { readonly kind: 'register'; readonly instance: RegisteredInstance; readonly ttlMs: number }
  | { readonly kind: 'renew'; readonly id: string }
  | { readonly kind: 'drop'; readonly id: string };

/** Why something was refused; `code` in capitals. */
export interface DeskRefusal {
  readonly code: string;
  readonly msg: string;
}

/** How a leave ended. */
export interface DeskLeft {
  readonly acked: number;
  readonly late: readonly string[];
}

/** What the desk works with. */
export interface SessionDeskOptions {
  readonly state: MeshState;
  readonly book: ProxyBook;
  readonly traffic: Traffic;
  readonly events: EventLog;
  /** The open sessions. */
  readonly sessions: () => readonly ProxySession[];
  readonly clock: Clock;
  readonly timers: Timers;
  /** How long a leaving instance waits for the others to let go of it. Default 5 s. */
  readonly leaveTimeoutMs?: number;
}

/** How a session ended; `SessionEnd` of the push server fits. */
export interface DeskSessionEnd {
  readonly code: number;
  readonly reason: string;
  /** The proxy said that it comes back at once, as it does for a new certificate. */
  readonly isReturning: boolean;
}

/** Ended without a word, and ended by a proxy that stops (RFC 6455 §7.4.1). */
const abnormalClosure = 1_006;
const normalClosure = 1_000;

/** See the head of this file; its methods fit the push server's listeners. */
export class SessionDesk {
  readonly #options: SessionDeskOptions;
  #malformedStatCount = 0;

  constructor(options: SessionDeskOptions) {
    this.#options = options;
  }

  /** Reports that did not fit `StatBody`. */
  get malformedStatCount(): number {
    return this.#malformedStatCount;
  }

  /** A proxy introduces itself: it has to be of the service that its certificate names. */
  hello(session: ProxySession): Result<undefined, DeskRefusal> {
    const { node, identity } = session;
    if (node === undefined) return err({ code: 'DENIED', msg: 'hello names no node' });
    const owner = serviceOf(identity);
    if (owner?.service !== node.service || owner.namespace !== node.namespace) {
      const msg = `the certificate is that of ${identity}, not of ${node.namespace}/${node.service}`;
      return err({ code: 'DENIED', msg });
    }
    this.#event('info', node, `connected (${node.build})`);
    return ok(undefined);
  }

  /** A proxy's word on a configuration. */
  ack(session: ProxySession): void {
    const { node, verdict, errors } = session;
    if (node === undefined || verdict === 'applied' || verdict === 'none') return;
    const [first] = errors;
    const what = first === undefined ? '' : `: ${first.type} ${first.name}: ${first.msg}`;
    this.#event('error', node, `refused configuration (${verdict})${what}`);
  }

  lease(session: ProxySession, command: RegistryCommand): Result<undefined, DeskRefusal> {
    const { state, clock } = this.#options;
    const done =
      command.kind === 'register'
        ? this.#register(session, command.instance, command.ttlMs)
        : command.kind === 'renew'
          ? state.registry.renew(session.id, command.id, clock.nowMs())
          : state.registry.drop(session.id, command.id);
    void state.registryChanged();
    return done;
  }

  stat(session: ProxySession, body: Readonly<Record<string, unknown>>): void {
    const parsed = StatBody.safeParse(body);
    const owner = serviceOf(session.identity);
    if (!parsed.success || parsed.data.service !== `${owner?.namespace}/${owner?.service}`) {
      this.#malformedStatCount += 1;
      return;
    }
    const { requests, proxy } = parsed.data;
    const requestCount = requests.reduce((sum, it) => sum + it.ok + it.failed, 0);
    this.#options.book.reported(session.id, proxy, requestCount);
    this.#options.traffic.add(parsed.data, Math.floor(this.#options.clock.wallMs() / 1_000));
  }

  /** Takes an instance out and answers when everybody else has let go of it, or names who has not. */
  async leave(session: ProxySession, id: string): Promise<DeskLeft> {
    const { state, sessions, clock, timers, leaveTimeoutMs = 5_000 } = this.#options;
    const dropped = state.registry.drop(session.id, id, 'left');
    if (!dropped.ok) return { acked: 0, late: [] };
    await state.registryChanged();
    const { version } = state.view;
    const others = () => sessions().filter((it) => it.id !== session.id);
    const question = { version, sessions: others, head: () => state.view };
    const report = await awaitConvergence(question, leaveTimeoutMs, { clock, timers });
    return { acked: report.acked + report.rejected.length, late: report.late };
  }

  /**
   * A session is over. Whoever says that it returns, or was sent away by this server, keeps its
   * instances for the registry's grace; whoever stops or was cut off loses them at once.
   */
  closed(session: ProxySession, end: DeskSessionEnd): void {
    const { state, book, sessions, clock } = this.#options;
    book.closed(session, sessions(), clock.wallMs());
    const isGone = end.code === abnormalClosure || end.code === normalClosure;
    state.registry.sessionClosed(session.id, end.isReturning || !isGone, clock.nowMs());
    void state.registryChanged();
    if (session.node === undefined || end.isReturning) return;
    const isLost = end.code === abnormalClosure;
    const how = isLost ? 'connection lost' : `disconnected (${end.code} ${end.reason})`;
    this.#event(isLost ? 'warning' : 'info', session.node, how);
  }

  #register(
    session: ProxySession,
    it: RegisteredInstance,
    ttlMs: number,
  ): Result<undefined, DeskRefusal> {
    const owner = serviceOf(session.identity);
    if (owner?.service !== it.service || owner.namespace !== it.ns) {
      const msg = `the certificate is that of ${session.identity}, not of ${it.ns}/${it.service}`;
      return err({ code: 'DENIED', msg });
    }
    const { state, clock } = this.#options;
    const instance = instanceOf(it, session.identity);
    return state.registry.register(session.id, instance, ttlMs, clock.nowMs());
  }

  #event(severity: EventSeverity, node: ProxyNode, message: string): void {
    const { events, clock } = this.#options;
    events.add({ atMs: clock.wallMs(), kind: 'proxy', severity, subject: node.id, message });
  }
}

/** `app` is the service, whatever the proxy says: a label must not open another service's traffic. */
function instanceOf(it: RegisteredInstance, identity: string): Instance {
  const { id, service, ns, address, port, weight, health, transport, zone } = it;
  return {
    id,
    service,
    namespace: ns,
    address,
    port,
    weight,
    health: health === 'ready' ? 'ready' : 'notReady',
    transport,
    ...(zone === undefined ? {} : { zone }),
    labels: { ...it.labels, app: service },
    identity,
  };
}
