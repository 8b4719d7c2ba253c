/** What is measured, as data: which load on which subjects, and what ours is compared with. */
import type { Load, LoadKind } from './load.ts';

/** Every subject there is. */
export const subjectNames = [
  'leno hop',
  'leno pair',
  'leno grpc pair',
  'haproxy',
  'nginx',
  'envoy',
  'http-proxy-3',
  'haproxy h2',
  'haproxy h1',
  'nginx h1',
  'envoy h2',
  'bare echo',
  'bare echo pair',
  'bare echo pair, TLS',
] as const;

export type SubjectName = (typeof subjectNames)[number];

/** One block of the table. */
export interface CpuCase {
  readonly name: string;
  /** Ours; the rows with ratios that have goals. */
  readonly ours: SubjectName;
  /** What ours is compared with; the first is the baseline of every subject of the case. */
  readonly baselines: readonly SubjectName[];
  /** Measured beside them, for the picture. */
  readonly others: readonly SubjectName[];
  readonly what: LoadKind;
  readonly connectionCount: number;
  /** Another load for one of the subjects. */
  readonly instead?: { readonly subject: SubjectName; readonly load: Omit<Load, 'durationS'> };
}

const small: LoadKind = { kind: 'get', path: '/1k' };
const large: LoadKind = { kind: 'get', path: '/64k' };
const post: LoadKind = { kind: 'post', path: '/post', bodyBytes: 16_384 };

export const cpuCases: readonly CpuCase[] = [
  {
    name: 'one hop, 1 KiB, 64 connections',
    ours: 'leno hop',
    baselines: ['haproxy', 'bare echo'],
    others: ['nginx', 'envoy', 'http-proxy-3'],
    what: small,
    connectionCount: 64,
  },
  {
    name: 'pair, 1 KiB, 64 connections',
    ours: 'leno pair',
    baselines: ['haproxy h2', 'haproxy h1', 'nginx h1', 'bare echo pair, TLS'],
    others: ['envoy h2', 'bare echo pair'],
    what: small,
    connectionCount: 64,
  },
  {
    name: 'pair, 1 KiB, 512 connections',
    ours: 'leno pair',
    baselines: ['haproxy h2'],
    others: ['envoy h2', 'nginx h1'],
    what: small,
    connectionCount: 512,
  },
  {
    name: 'one hop, 1 KiB, 1 connection',
    ours: 'leno hop',
    baselines: ['haproxy'],
    others: ['nginx'],
    what: small,
    connectionCount: 1,
  },
  {
    name: 'pair, 1 KiB, 1 connection',
    ours: 'leno pair',
    baselines: ['haproxy h2'],
    others: ['nginx h1'],
    what: small,
    connectionCount: 1,
  },
  {
    name: 'one hop, 64 KiB replies',
    ours: 'leno hop',
    baselines: ['haproxy'],
    others: ['nginx', 'envoy'],
    what: large,
    connectionCount: 64,
  },
  {
    name: 'pair, 64 KiB replies',
    ours: 'leno pair',
    baselines: ['haproxy h2'],
    others: ['haproxy h1', 'nginx h1', 'envoy h2'],
    what: large,
    connectionCount: 64,
  },
  {
    name: 'pair, 16 KiB POST',
    ours: 'leno pair',
    baselines: ['haproxy h2'],
    others: ['nginx h1', 'envoy h2'],
    what: post,
    connectionCount: 64,
  },
  {
    name: 'pair, gRPC unary',
    ours: 'leno grpc pair',
    baselines: ['leno pair'],
    others: [],
    what: { kind: 'grpc', path: '/bench.Calls/Unary', streamCount: 8 },
    connectionCount: 8,
    instead: { subject: 'leno pair', load: { what: small, connectionCount: 64 } },
  },
];

/** The cases that are no loads of a fixed number of connections. */
export const latencyCase = 'added latency at 2,000 requests a second';
export const memoryCase = 'memory';
export const workersCase = 'workers';

/** Whether a case is asked for; an empty text asks for all. */
export function isAskedFor(name: string, only: string): boolean {
  return name.includes(only);
}
