/** Findings about settings that cannot hold together: timeouts, retries, budgets and weights. */
import { defaults } from '../defaults.ts';
import type { Fault, Path } from '../findings/finding.ts';
import type { RouteRule, TimeoutBody } from '../model/route.ts';
import type { RetryBudgetBody, TrafficPolicyBody } from '../model/traffic-policy.ts';
import type { EntryFault, MeshSet } from './mesh-set.ts';

/** Timeouts and retries that a policy contradicts itself with. */
export function policyContradictions(set: MeshSet): readonly EntryFault[] {
  return set.policies.flatMap(({ entry, body }) => {
    const timeouts = timeoutFaults(body.timeouts ?? {}, body.retry?.retries, [
      'spec',
      'timeouts',
      'perTry',
    ]);
    const retry = retryFaults(body.retry?.retries, body, ['spec', 'retry', 'attempts']);
    return [...timeouts, ...retry].map((fault) => ({ entry, fault }));
  });
}

/** Timeouts, retries and weights of routes, each against the policy of the backends. */
export function routeContradictions(set: MeshSet): readonly EntryFault[] {
  return set.routes.flatMap(({ entry, body }) =>
    body.rules
      .flatMap((rule, index) => ruleFaults(set, rule, ['spec', 'rules', index]))
      .map((fault) => ({ entry, fault })),
  );
}

function ruleFaults(set: MeshSet, rule: RouteRule, path: Path): readonly Fault[] {
  const faults = [...weightFaults(rule, path)];
  const policies = new Set(rule.backends.map((it) => set.policyOf.get(it.service)?.body));
  // Without a backend that has a policy, the rule still stands against the defaults.
  for (const policy of policies.size === 0 ? [undefined] : policies) {
    if (rule.timeouts !== undefined) {
      const together = { ...policy?.timeouts, ...rule.timeouts };
      const field = rule.timeouts.perTryMs === undefined ? 'request' : 'backendRequest';
      const retries = rule.retry?.retries ?? policy?.retry?.retries;
      faults.push(...timeoutFaults(together, retries, [...path, 'timeouts', field]));
    }
    faults.push(...retryFaults(rule.retry?.retries, policy, [...path, 'retry', 'attempts']));
  }
  return withoutRepeats(faults);
}

function weightFaults({ backends }: RouteRule, path: Path): readonly Fault[] {
  const at: Path = [...path, 'backendRefs'];
  if (backends.length === 0) {
    const message = 'without backends, every request that matches is answered 500';
    return [{ code: 'LN0305', path, message }];
  }
  if (backends.some(({ weight }) => weight > 0)) return [];
  const message = 'the weights sum to 0: every request that matches is answered 500';
  return [{ code: 'LN0304', path: at, message }];
}

function timeoutFaults(
  timeouts: TimeoutBody,
  retries: number | undefined,
  path: Path,
): readonly Fault[] {
  const { perTryMs = 0, requestMs = defaults.timeouts.requestMs } = timeouts;
  // 0 switches either of them off.
  if (perTryMs === 0 || requestMs === 0 || perTryMs < requestMs) return [];
  const origin = timeouts.requestMs === undefined ? ', the default' : '';
  if (perTryMs > requestMs) {
    const message = `a try may take ${perTryMs}ms, but all tries together ${requestMs}ms${origin}`;
    return [{ code: 'LN0301', path, message }];
  }
  // Only a retry that is written is about tries that timed out.
  if ((retries ?? 0) === 0) return [];
  const message = `a try may take all of the ${requestMs}ms${origin}: none is ever retried after it`;
  return [{ code: 'LN0302', path, message }];
}

function retryFaults(
  retries: number | undefined,
  policy: TrafficPolicyBody | undefined,
  path: Path,
): readonly Fault[] {
  if (retries === undefined || retries === 0 || !isEmpty(policy?.budget)) return [];
  const message = `${retries} retries, but the budget of ${policy?.service} allows none`;
  return [{ code: 'LN0303', path, message, value: retries }];
}

function isEmpty(budget: RetryBudgetBody | undefined): boolean {
  const { ratio, perSecondMin } = { ...defaults.budget, ...budget };
  return ratio === 0 && perSecondMin === 0;
}

/** Several backends may have the same to say. */
function withoutRepeats(faults: readonly Fault[]): readonly Fault[] {
  const byKey = new Map(faults.map((fault) => [`${fault.code} ${fault.path.join('.')}`, fault]));
  return [...byKey.values()];
}
