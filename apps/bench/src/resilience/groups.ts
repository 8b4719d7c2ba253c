/** `pnpm bench resilience`. */
import type { Group } from '../harness/group.ts';
import { engineSubjects } from './engines.ts';
import {
  lenoExecute,
  lenoFailure,
  lenoOpenExecute,
  lenoOpenPermit,
  lenoOpenSettle,
  lenoPermit,
  lenoPipeline,
} from './leno.ts';
import { alfredClosed, alfredOpen, alfredPipeline } from './peers/alfred.ts';
import { bareCall, bareRejection } from './peers/bare.ts';
import { brakesClosed } from './peers/brakes.ts';
import {
  cockatielClosed,
  cockatielFailure,
  cockatielOpen,
  cockatielPipeline,
} from './peers/cockatiel.ts';
import { mollitiaClosed, mollitiaOpen, mollitiaPipeline } from './peers/mollitia.ts';
import { opossumClosed, opossumFailure, opossumOpen, opossumPipeline } from './peers/opossum.ts';
import { bundleBytes } from './size.ts';

const closedPermit: Group = {
  kind: 'timed',
  case: 'closed breaker, permit face',
  baseline: 'bare',
  isIsolated: true,
  subjects: [
    { name: 'bare', load: bareCall },
    { name: 'leno (default)', load: () => lenoPermit('default') },
    { name: 'leno (consecutive)', load: () => lenoPermit('consecutive') },
    { name: 'leno (count window)', load: () => lenoPermit('count window') },
    { name: 'leno (time window)', load: () => lenoPermit('time window') },
  ],
};

const closedExecute: Group = {
  kind: 'timed',
  case: 'closed breaker, execute',
  baseline: 'bare',
  isIsolated: true,
  subjects: [
    { name: 'bare', load: bareCall },
    { name: 'leno (default)', load: () => lenoExecute('default') },
    { name: 'leno (consecutive)', load: () => lenoExecute('consecutive') },
    { name: 'leno (count window)', load: () => lenoExecute('count window') },
    { name: 'leno (time window)', load: () => lenoExecute('time window') },
    { name: 'cockatiel (consecutive)', load: () => cockatielClosed('consecutive') },
    { name: 'cockatiel (count window)', load: () => cockatielClosed('count') },
    { name: 'cockatiel (time window)', load: () => cockatielClosed('sampling') },
    { name: 'opossum (default)', load: () => opossumClosed('default') },
    { name: 'opossum (no timeout)', load: () => opossumClosed('no timeout') },
    { name: 'opossum (leanest)', load: () => opossumClosed('leanest') },
    { name: 'alfred', load: alfredClosed },
    { name: 'brakes', load: brakesClosed },
    { name: 'mollitia (count window)', load: () => mollitiaClosed('count') },
    { name: 'mollitia (time window)', load: () => mollitiaClosed('time') },
  ],
};

const open: Group = {
  kind: 'timed',
  case: 'open breaker, refused and caught',
  baseline: 'bare rejection',
  isIsolated: true,
  subjects: [
    { name: 'bare rejection', load: bareRejection },
    { name: 'leno (permit)', load: lenoOpenPermit },
    { name: 'leno (execute)', load: lenoOpenExecute },
    { name: 'leno (settle)', load: lenoOpenSettle },
    { name: 'cockatiel', load: cockatielOpen },
    { name: 'opossum', load: opossumOpen },
    { name: 'alfred', load: alfredOpen },
    { name: 'mollitia', load: mollitiaOpen },
  ],
};

const pipelines: Group = {
  kind: 'timed',
  case: 'retry, timeout and breaker, success',
  baseline: 'bare',
  isIsolated: true,
  subjects: [
    { name: 'bare', load: bareCall },
    { name: 'leno', load: lenoPipeline },
    { name: 'alfred', load: alfredPipeline },
    { name: 'p-retry and opossum', load: opossumPipeline },
    { name: 'cockatiel (cooperative)', load: () => cockatielPipeline('cooperative') },
    { name: 'cockatiel (aggressive)', load: () => cockatielPipeline('aggressive') },
    { name: 'mollitia', load: mollitiaPipeline },
  ],
};

const sampleCountOf = (isQuick: boolean): number => (isQuick ? 100 : 100_000);

const failureInFullWindow: Group = {
  kind: 'timed',
  case: 'one failure with 100,000 samples in the window',
  isIsolated: true,
  subjects: [
    { name: 'leno', load: ({ isQuick }) => lenoFailure(sampleCountOf(isQuick)) },
    { name: 'cockatiel', load: ({ isQuick }) => cockatielFailure(sampleCountOf(isQuick)) },
    { name: 'opossum', load: ({ isQuick }) => opossumFailure(sampleCountOf(isQuick)) },
  ],
};

const engines: Group = {
  kind: 'timed',
  case: 'one decision',
  isIsolated: true,
  subjects: engineSubjects,
};

const sizes: Group = {
  kind: 'figures',
  case: 'size of a breaker alone',
  metric: 'min+gzip',
  unit: 'B',
  subjects: Object.entries({
    'leno (Breaker, consecutive)': "export { Breaker, consecutive } from '@leno/resilience'",
    'leno (CallBreaker, consecutive)':
      "export { CallBreaker, consecutive } from '@leno/resilience'",
    'leno (createBreaker, default trigger)': "export { createBreaker } from '@leno/resilience'",
    cockatiel: "export { circuitBreaker, handleAll, ConsecutiveBreaker } from 'cockatiel'",
    opossum: "export { default } from 'opossum'",
    alfred: "export { circuitBreaker } from '@git-stunts/alfred'",
    mollitia: "export { Circuit, SlidingCountBreaker } from 'mollitia'",
    brakes: "export { default } from 'brakes'",
  }).map(([name, program]) => ({ name, measure: () => bundleBytes(program) })),
};

/** In the order of the table. */
export const resilienceGroups: readonly Group[] = [
  closedPermit,
  closedExecute,
  open,
  pipelines,
  failureInFullWindow,
  engines,
  sizes,
];
