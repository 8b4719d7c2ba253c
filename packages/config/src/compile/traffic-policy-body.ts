import { optionalMs } from '../kinds/duration.ts';
import { grpcCodeNumber } from '../kinds/grpc-code.ts';
import type { TrafficPolicy } from '../kinds/traffic-policy.ts';
import type { TrafficPolicyBody } from '../model/traffic-policy.ts';
import { withoutUndefined } from './without-undefined.ts';

type Spec = TrafficPolicy['spec'];

/** The pushed form of a policy: what is written, in milliseconds; what is not stays away. */
export function trafficPolicyBody(policy: TrafficPolicy): TrafficPolicyBody {
  const { targetRef, balancer, breaker, retry, budget, timeouts, limits } = policy.spec;
  return {
    service: `${policy.metadata.namespace}/${targetRef.name}`,
    ...(balancer && { balancer: balancerBody(balancer) }),
    ...(breaker && { breaker: breakerBody(breaker) }),
    ...(retry && { retry: retryBody(retry) }),
    ...(budget && {
      budget: withoutUndefined({
        ratio: budget.ratio,
        perSecondMin: budget.perSecondMin,
        windowMs: optionalMs(budget.window),
      }),
    }),
    ...(timeouts && {
      timeouts: withoutUndefined({
        requestMs: optionalMs(timeouts.request),
        perTryMs: optionalMs(timeouts.perTry),
        connectMs: optionalMs(timeouts.connect),
        idleMs: optionalMs(timeouts.idle),
        tcpIdleMs: optionalMs(timeouts.tcpIdle),
      }),
    }),
    ...(limits && {
      limits: withoutUndefined({
        connectionCountMax: limits.connections,
        pendingCountMax: limits.pending,
        requestCountMax: limits.requests,
      }),
    }),
  };
}

function balancerBody(
  balancer: NonNullable<Spec['balancer']>,
): NonNullable<TrafficPolicyBody['balancer']> {
  const { kind } = balancer;
  const decayMs = optionalMs(balancer.decay);
  return { kind, ...withoutUndefined({ decayMs, initialMs: optionalMs(balancer.initial) }) };
}

function breakerBody(
  breaker: NonNullable<Spec['breaker']>,
): NonNullable<TrafficPolicyBody['breaker']> {
  const { window, open, openMax, ...rest } = breaker;
  return withoutUndefined({
    ...rest,
    windowMs: optionalMs(window),
    openMs: optionalMs(open),
    openMaxMs: optionalMs(openMax),
  });
}

function retryBody(retry: NonNullable<Spec['retry']>): NonNullable<TrafficPolicyBody['retry']> {
  return withoutUndefined({
    retries: retry.attempts,
    statuses: retry.codes === undefined ? undefined : [...retry.codes],
    grpcStatuses: retry.grpcCodes?.map(grpcCodeNumber),
    backoffBaseMs: optionalMs(retry.backoff),
    backoffMaxMs: optionalMs(retry.backoffMax),
    onPerTryTimeout: retry.onPerTryTimeout,
    anyMethod: retry.anyMethod,
  });
}
