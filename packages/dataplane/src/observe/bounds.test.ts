import { createMeshMetrics, MetricStore, renderPrometheus } from '@leno/telemetry';
import { expect, test } from 'vitest';
import type { Call } from '../call.ts';
import { CallMetrics, CELLS_COUNT_MAX } from './call-metrics.ts';
import { EDGE_COUNT_MAX, EdgeStats } from './edge-stats.ts';
import { TCP_PEER_COUNT_MAX, TcpMetrics } from './tcp-metrics.ts';

/** A call that has ended, as far as counting looks at it. */
const ended = (peerName: string): Call =>
  ({
    direction: 'inbound',
    peerName,
    routeName: '-',
    transport: 'mtls',
    status: 200,
    grpcStatus: -1,
    tryCount: 1,
    requestBytes: 1,
    responseBytes: 2,
  }) as unknown as Call;

test('more peers than are told apart are counted together, none is lost', () => {
  const store = new MetricStore({ seriesCountMax: 1_000_000 });
  const metrics = new CallMetrics(createMeshMetrics(store), new EdgeStats());
  const beyond = 3;
  for (let count = 0; count < CELLS_COUNT_MAX + beyond; count += 1) {
    metrics.ended(ended(`peer-${count}`), 1);
  }
  metrics.ended(ended('peer-0'), 1);
  const text = renderPrometheus(store);
  expect(text).toMatch(/leno_requests_total\{dir="inbound",peer="overflow",[^}]*\} 3\n/);
  expect(text).toMatch(/leno_requests_total\{dir="inbound",peer="peer-0",[^}]*\} 2\n/);
});

test('of TCP connections likewise', () => {
  const store = new MetricStore({ seriesCountMax: 1_000_000 });
  const metrics = new TcpMetrics(createMeshMetrics(store));
  for (let count = 0; count < TCP_PEER_COUNT_MAX + 3; count += 1) {
    metrics.closed(metrics.opened('inbound', `peer-${count}`), 'done');
  }
  const text = renderPrometheus(store);
  const closed = 'leno_tcp_connections_closed_total{dir="inbound",peer="overflow",reason="done"}';
  expect(text).toContain(`${closed} 3\n`);
});

test('a report has a bounded number of edges, and an idle edge makes room', () => {
  const edges = new EdgeStats();
  const fill = (prefix: string): void => {
    for (let count = 0; count < EDGE_COUNT_MAX + 5; count += 1) {
      edges.add(ended(`${prefix}-${count}`), false, 1);
    }
  };
  fill('old');
  const first = edges.take();
  expect(first).toHaveLength(EDGE_COUNT_MAX + 1);
  expect(first.find(({ peer }) => peer === 'overflow')?.ok).toBe(5);
  expect(edges.take()).toEqual([]);
  fill('new');
  const peers = edges.take().map(({ peer }) => peer);
  expect(peers).toContain('new-0');
  expect(peers).toHaveLength(EDGE_COUNT_MAX + 1);
});

test('deltas of several add up to one report, quantiles included', () => {
  const parts = [new EdgeStats(), new EdgeStats()] as const;
  const whole = new EdgeStats();
  for (let count = 0; count < 100; count += 1) {
    for (const stats of [parts[count % 2 === 0 ? 0 : 1], whole]) {
      stats.add(ended(`peer-${count % 3}`), count % 10 === 0, count);
    }
  }
  const sum = new EdgeStats();
  for (const part of parts) sum.absorb(part.takeDeltas());
  const byPeer = (stats: EdgeStats) =>
    stats.take().toSorted((a, b) => a.peer.localeCompare(b.peer));
  expect(byPeer(sum)).toEqual(byPeer(whole));
  expect(parts[0].takeDeltas()).toEqual([]);
});
