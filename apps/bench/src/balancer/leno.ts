/** Ours, and how it is measured. */
import {
  createBalancer,
  createPicker,
  EndpointSet,
  type Member,
  type PickerKind,
} from '@leno/balancer';
import { seededRng } from '@leno/std';
import type { Run } from '../harness/group.ts';
import { hostNames } from './hosts.ts';

/** The face for people: P2C over peak EWMA, on the runtime's own clock and chance. */
export function lenoBalancer(hostCount: number): Run {
  const balancer = createBalancer();
  balancer.update(members(hostCount));
  return {
    kind: 'sync',
    run: (count) => {
      let sum = 0;
      for (let index = 0; index < count; index += 1) {
        const endpoint = balancer.pick();
        if (endpoint === undefined) return Number.NaN;
        endpoint.done('success', 4.5 + (index & 15));
        sum += 1;
      }
      return sum;
    },
  };
}

/** Endpoints with weights from 1 to 5, so that a picker that minds them has something to mind. */
function members(hostCount: number): readonly Member[] {
  return hostNames(hostCount).map((id, index) => ({ id, weight: 1 + (index % 5) }));
}

function endpoints(hostCount: number): EndpointSet<Member> {
  const set = new EndpointSet<Member>();
  set.update(members(hostCount), 0);
  return set;
}

/** What a pick alone takes, each endpoint having answered before. */
export function lenoPick(kind: PickerKind, hostCount: number): Run {
  const picker = createPicker(kind, endpoints(hostCount));
  const rng = seededRng(1);
  for (let index = 0; index < hostCount; index += 1) {
    picker.started(index, 10.5);
    picker.ended(index, 20.25, 5 + rng() * 20, 'success');
  }
  let passedMs = 0;
  return {
    kind: 'sync',
    run: (count) => {
      const startMs = 1_000.5 + passedMs;
      let sum = 0;
      for (let index = 0; index < count; index += 1) {
        sum += picker.pick(startMs + (index >> 6), rng);
      }
      passedMs += count >> 6;
      return sum;
    },
  };
}

/** A pick with what belongs to it: the call's start and end. */
export function lenoCall(kind: PickerKind, hostCount: number): Run {
  const picker = createPicker(kind, endpoints(hostCount));
  const rng = seededRng(1);
  let passedMs = 0;
  return {
    kind: 'sync',
    run: (count) => {
      const startMs = 1_000.5 + passedMs;
      let sum = 0;
      for (let index = 0; index < count; index += 1) {
        const nowMs = startMs + index / 4;
        const picked = picker.pick(nowMs, rng);
        picker.started(picked, nowMs);
        picker.ended(picked, nowMs, 4.5 + (picked & 15), 'success');
        sum += picked;
      }
      passedMs += count / 4;
      return sum;
    },
  };
}
