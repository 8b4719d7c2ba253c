/**
 * The endpoints of one service under one policy, with everything that is remembered about them. A
 * cluster outlives config revisions: what its breakers and its balancer have learnt stays.
 */
import { createPicker, EndpointSet, type Picker } from '@leno/balancer';
import {
  type BreakerBody,
  defaults,
  type EndpointBody,
  type TrafficPolicyBody,
} from '@leno/config';
import type { PoolLimits } from '@leno/http';
import {
  anyOf,
  Breaker,
  type BreakerEngineOptions,
  consecutive,
  EjectionCap,
  failureRate,
  lastMs,
  RetryBudget,
} from '@leno/resilience';
import type { Rng } from '@leno/std';
import { overlay } from '../table/overlay.ts';
import { Endpoint, PANIC_PERMIT } from './endpoint.ts';
import type { PlainProtocol, PoolRegistry, PoolTerms } from './pools.ts';

/** How a try ended, in the words that breaker and balancer share. `rateOnly` is a 429. */
export type TryOutcome = 'success' | 'failure' | 'rateOnly' | 'ignored';

/** The end of a try. */
export interface TryEnd {
  readonly outcome: TryOutcome;
  readonly tookMs: number;
  readonly nowMs: number;
}

/** Why no endpoint could be given. */
export type NoPick = 'no-endpoint' | 'breaker-open';

/** The breaker of one endpoint went from one state to another. */
export interface BreakerChange {
  readonly endpoint: string;
  readonly from: string;
  readonly to: string;
  readonly why: string;
}

/** Who wants to know. */
export interface ClusterHooks {
  breakerChanged(cluster: Cluster, change: BreakerChange): void;
  /** The cluster has let go of it; what is under way on its connections finishes. */
  endpointLeft?(cluster: Cluster, endpoint: Endpoint): void;
}

export class Cluster {
  /** `namespace/name` of the service. */
  readonly name: string;
  readonly budget: RetryBudget;
  /** Requests under way, retries included. */
  activeCount = 0;
  /** Requests that passed although every breaker refused. */
  panicCount = 0;
  readonly #pools: PoolRegistry;
  readonly #rng: Rng;
  readonly #hooks: ClusterHooks;
  readonly #set = new EndpointSet<Endpoint>();
  readonly #cap: EjectionCap;
  #picker: Picker;
  #pickerKey = '';
  #policy: TrafficPolicyBody | undefined;
  #bodies: readonly EndpointBody[] = [];
  #plainProtocol: PlainProtocol = 'http/1.1';
  #nowMs = 0;
  #excluded: Endpoint | undefined;

  constructor(name: string, pools: PoolRegistry, rng: Rng, hooks: ClusterHooks) {
    this.name = name;
    this.#pools = pools;
    this.#rng = rng;
    this.#hooks = hooks;
    this.#cap = new EjectionCap({
      ratioMax: defaults.breaker.ejectionRatioMax,
      failFast: defaults.breaker.failFast,
    });
    this.budget = new RetryBudget(defaults.budget);
    this.#picker = createPicker('peakEwma', this.#set, defaults.balancer);
  }

  get limits(): PoolLimits {
    return overlay(defaults.limits, this.#policy?.limits);
  }

  /** How connections to its endpoints are made and bounded. */
  get #terms(): PoolTerms {
    const { limits, connectTimeoutMs } = this;
    return { limits, connectTimeoutMs, plainProtocol: this.#plainProtocol };
  }

  /** How long connecting to an endpoint may take. */
  get connectTimeoutMs(): number {
    return this.#policy?.timeouts?.connectMs ?? defaults.timeouts.connectMs;
  }

  get endpoints(): readonly Endpoint[] {
    const all: Endpoint[] = [];
    for (let index = 0; index < this.#set.length; index += 1) all.push(this.#set.at(index));
    return all;
  }

  get ejectedCount(): number {
    return this.#cap.ejectedCount;
  }

  /** Takes a new policy; what was learnt of latencies stays unless its `balancer` changes. */
  setPolicy(policy: TrafficPolicyBody | undefined): void {
    if (policy === this.#policy) return;
    this.#policy = policy;
    const options = breakerOptions(policy?.breaker);
    this.#cap.update({
      ratioMax: policy?.breaker?.ejectionRatioMax ?? defaults.breaker.ejectionRatioMax,
      failFast: policy?.breaker?.failFast ?? defaults.breaker.failFast,
    });
    const { limits } = this;
    for (const endpoint of this.endpoints) {
      endpoint.breaker.update(options);
      endpoint.pool.setLimits(limits);
    }
    this.budget.update(overlay(defaults.budget, policy?.budget));
    const balancer = overlay(defaults.balancer, policy?.balancer);
    const key = JSON.stringify(balancer);
    if (key !== this.#pickerKey) {
      this.#pickerKey = key;
      this.#picker = createPicker(balancer.kind, this.#set, balancer);
    }
  }

  /**
   * What endpoints without a sidecar speak. Where that changes they are new ones, of which nothing is
   * known; what is under way on their old connections finishes.
   */
  setPlainProtocol(protocol: PlainProtocol, nowMs: number): void {
    if (protocol === this.#plainProtocol) return;
    const bodies = this.#bodies;
    this.setEndpoints(
      bodies.filter(({ transport }) => transport !== 'plain'),
      nowMs,
    );
    this.#plainProtocol = protocol;
    this.setEndpoints(bodies, nowMs);
  }

  /** Takes the present endpoints. Those that draining or gone take nothing new; what they have finishes. */
  setEndpoints(bodies: readonly EndpointBody[], nowMs: number): void {
    if (bodies === this.#bodies) return;
    this.#bodies = bodies;
    const known = new Map(this.endpoints.map((endpoint) => [endpoint.id, endpoint]));
    // The first of an id counts: a second one would be a pool and a breaker that nobody lets go of.
    const ready = new Map<string, EndpointBody>();
    for (const body of bodies) {
      if (body.health === 'ready' && !ready.has(body.id)) ready.set(body.id, body);
    }
    const next = [...ready.values()].map((body) => this.#carryOver(known.get(body.id), body));
    // Of those that are never picked none is the last that admits.
    this.#cap.setEndpointCount(next.filter((endpoint) => endpoint.weight > 0).length);
    // Whoever is elsewhere now under the same id goes and comes anew, so that nothing of it is kept.
    const stays = next.filter((endpoint) => (known.get(endpoint.id) ?? endpoint) === endpoint);
    if (stays.length < next.length) this.#set.update(stays, nowMs);
    this.#set.update(next, nowMs);
    const kept = new Set(next);
    for (const endpoint of known.values()) {
      if (!kept.has(endpoint)) this.#letGo(endpoint, nowMs);
    }
  }

  /**
   * Chooses an endpoint whose breaker admits, `excluded` only if there is no other. Where every
   * breaker refuses and the policy does not ask for fail-fast, one is chosen nevertheless.
   */
  pick(nowMs: number, excluded: Endpoint | undefined): Endpoint | NoPick {
    if (this.#set.pickableCount === 0) return 'no-endpoint';
    this.#nowMs = nowMs;
    this.#excluded = this.#set.length > 1 ? excluded : undefined;
    let index = this.#picker.pick(nowMs, this.#rng, this.#admits);
    if (index < 0 && this.#excluded !== undefined) {
      this.#excluded = undefined;
      index = this.#picker.pick(nowMs, this.#rng, this.#admits);
    }
    if (index >= 0) return this.#set.at(index);
    if (this.#policy?.breaker?.failFast === true) return 'breaker-open';
    return this.#set.at(this.#picker.pick(nowMs, this.#rng));
  }

  /** Counts a try in and gives its permit. */
  started(endpoint: Endpoint, nowMs: number): number {
    this.activeCount += 1;
    const index = this.#indexOf(endpoint);
    if (index >= 0) this.#picker.started(index, nowMs);
    const permit = endpoint.breaker.tryAcquire(nowMs);
    if (permit >= 0) return permit;
    this.panicCount += 1;
    return PANIC_PERMIT;
  }

  /** Settles a try with breaker and balancer; `tookMs` is the time that it took to answer. */
  ended(endpoint: Endpoint, permit: number, { outcome, tookMs, nowMs }: TryEnd): void {
    this.activeCount -= 1;
    const index = this.#indexOf(endpoint);
    if (index >= 0) {
      this.#picker.ended(index, nowMs, tookMs, outcome === 'rateOnly' ? 'failure' : outcome);
    }
    if (permit === PANIC_PERMIT) return;
    switch (outcome) {
      case 'success':
        endpoint.breaker.success(permit, nowMs);
        break;
      case 'ignored':
        endpoint.breaker.release(permit, nowMs);
        break;
      default:
        endpoint.breaker.failure(permit, nowMs, outcome);
    }
  }

  /** What the balancer thinks of each endpoint, for explanation. */
  explain(nowMs: number): readonly { readonly id: string; readonly score: number }[] {
    return this.#picker.explain(nowMs);
  }

  /** Lets go of every endpoint; the cluster is not used again. */
  close(nowMs: number): void {
    this.setEndpoints([], nowMs);
  }

  readonly #admits = (index: number): boolean => {
    const endpoint = this.#set.at(index);
    return endpoint !== this.#excluded && endpoint.breaker.admits(this.#nowMs);
  };

  /** Where it is; -1 if it left, though another may be there under the same id. */
  #indexOf(endpoint: Endpoint): number {
    const index = this.#set.indexOf(endpoint.id);
    return index >= 0 && this.#set.at(index) === endpoint ? index : -1;
  }

  #carryOver(known: Endpoint | undefined, body: EndpointBody): Endpoint {
    if (known !== undefined && isSameStay(known.body, body)) {
      known.body = body;
      return known;
    }
    const options: BreakerEngineOptions = breakerOptions(this.#policy?.breaker);
    const breaker = new Breaker(options, { rng: this.#rng, cap: this.#cap });
    breaker.onTransition = (from, to, why) => {
      this.#hooks.breakerChanged(this, { endpoint: body.id, from, to, why });
    };
    return new Endpoint(body, breaker, this.#pools.acquire(body, this.#terms));
  }

  #letGo(endpoint: Endpoint, nowMs: number): void {
    endpoint.breaker.dispose(nowMs);
    this.#pools.release(endpoint.body, this.#plainProtocol);
    this.#hooks.endpointLeft?.(this, endpoint);
  }
}

/**
 * Whether an endpoint with the same id is still at the same place under the same name. Without a
 * weight it is as good as gone: out, it would hold a place that nobody asks it to give back.
 */
function isSameStay(one: EndpointBody, other: EndpointBody): boolean {
  return (
    one.weight > 0 === other.weight > 0 &&
    one.address === other.address &&
    one.port === other.port &&
    one.transport === other.transport &&
    one.identity === other.identity
  );
}

/** Throws `InvalidOptionError` for a policy whose numbers contradict each other. */
export function checkPolicy(policy: TrafficPolicyBody, rng: Rng): void {
  new Breaker(breakerOptions(policy.breaker), { rng });
  new RetryBudget(overlay(defaults.budget, policy.budget));
  const balancer = overlay(defaults.balancer, policy.balancer);
  createPicker(balancer.kind, new EndpointSet<Endpoint>(), balancer);
}

/** The breaker of one endpoint: what the policy says, and the defaults for the rest. */
function breakerOptions(body: BreakerBody | undefined): BreakerEngineOptions {
  const breaker = overlay(defaults.breaker, body);
  const { consecutiveFailures, successRateMin, requestCountMin, windowMs } = breaker;
  const row = consecutiveFailures === 0 ? [] : [consecutive(consecutiveFailures)];
  const rate = failureRate({ over: lastMs(windowMs), requestCountMin, successRateMin });
  // At 0 the share of successes is off, where the trigger by itself would trip if all fail.
  const rates = successRateMin === 0 ? [] : [rate];
  const { openMs, openMaxMs } = breaker;
  return { trip: anyOf(...row, ...rates), openMs, openMaxMs };
}
