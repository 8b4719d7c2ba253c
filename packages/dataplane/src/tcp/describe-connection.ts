/** What is written down of a connection that has ended, in the form of requests. */
import { unreachable } from '@leno/std';
import type { AccessEntry, DecisionRecord } from '@leno/telemetry';
import type { Engine } from '../engine.ts';
import { endpointNotes } from '../observe/journal.ts';
import type { Dialled, TcpConnection, TcpEnd } from './tcp-connection.ts';

interface Ending {
  readonly end: TcpEnd;
  readonly detail: string;
  readonly durationMs: number;
}

/** A line of the access log, and a decision record. Connections have no status: it is 0. */
export function describeConnection(
  engine: Engine,
  connection: TcpConnection,
  { end, detail, durationMs }: Ending,
): { readonly entry: AccessEntry; readonly record: DecisionRecord } {
  const { attempt, client, cluster, direction, peerName, routeName, table, tries } = connection;
  const authority = authorityOf(connection.dialled);
  const outcome = end === 'done' ? 'success' : 'failure';
  const startedAtWallMs = engine.clock.wallMs() - durationMs;
  const common = {
    requestId: connection.requestId,
    startedAtWallMs,
    durationMs,
    dir: direction,
    method: client.method,
    authority,
    path: '',
    peer: peerName,
    status: 0,
    outcome,
  } as const;
  const entry: AccessEntry = {
    ...common,
    reason: end === 'done' ? '-' : end,
    route: routeName,
    endpoint: attempt?.endpoint.id ?? '-',
    attemptCount: connection.tryCount,
    requestBytes: connection.receivedBytes,
    responseBytes: connection.sentBytes,
    tls: connection.transport === 'plain' ? 'none' : connection.transport,
    traceId: '',
  };
  const record: DecisionRecord = {
    ...common,
    traceId: undefined,
    identity: client.peer.identity,
    route: undefined,
    ...(connection.access === undefined ? {} : { access: connection.access }),
    revision: { epoch: table.epoch, version: table.version },
    endpoints: cluster === undefined ? [] : endpointNotes(cluster, tries, engine.clock.nowMs()),
    attempts: tries,
    notRetriedBecause: connection.notRetriedBecause,
    reason: end === 'done' ? undefined : end,
    ...(detail === '' ? {} : { detail }),
  };
  return { entry, record };
}

function authorityOf(dialled: Dialled): string {
  switch (dialled.kind) {
    case 'authority':
    case 'full':
      return dialled.authority;
    case 'server-name':
      return dialled.serverName ?? '';
    case 'application':
    case 'unreadable':
      return '';
    default:
      return unreachable(dialled);
  }
}
