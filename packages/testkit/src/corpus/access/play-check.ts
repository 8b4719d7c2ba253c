/** Asks the proxy, or the engine alone, and judges whether the decision is the one expected. */
import { compilePolicies, normalizePath } from '@leno/authz';
import type { RawClient } from '../bed/raw-client.ts';
import { until } from '../bed/until.ts';
import { octetsOf } from '../http/bytes-format.ts';
import type { CorpusCheck, CorpusPolicy } from '../http/path-authz-format.ts';
import { readReplies } from '../http/reply-reader.ts';
import type { AccessBed } from './access-bed.ts';

const WITHIN_MS = 5_000;
const QUIET_MS = 100;
/** What sidecars speak for bytes, said once more as it goes over the wire: an octet, then the application. */
const TCP_PROTOCOL = 'leno-tcp/1';
const OPEN = 0;
const DENIED = 1;

/** A call of the policy engine: no proxy, the default of the bed, which is to allow. */
export function checkEngine(
  check: CorpusCheck,
  policies: readonly CorpusPolicy[],
): string | undefined {
  // The engine refuses what it does not know; types cannot say that of a corpus.
  const decider = compilePolicies(policies as Parameters<typeof compilePolicies>[0]);
  const { request, peer } = check;
  const normal = request === undefined ? undefined : normalizePath(pathOf(request.path));
  const decision =
    normal?.kind === 'refused'
      ? 'deny'
      : decider.decide({
          identity: peer,
          address: '127.0.0.2',
          port: undefined,
          http:
            request === undefined
              ? undefined
              : {
                  method: request.method,
                  path: normal?.path ?? '',
                  authority: request.host ?? 'svc.local',
                  headerLines: (name) =>
                    (request.headers ?? []).flatMap(([it, value]) =>
                      it.toLowerCase() === name ? value : [],
                    ),
                },
        }).decision;
  return differs(check, decision);
}

/** A request through the proxy, by a peer with a certificate of that name. */
export async function checkProxy(bed: AccessBed, check: CorpusCheck): Promise<string | undefined> {
  const { request, withinMs = WITHIN_MS } = check;
  if (request === undefined) return checkConnection(bed, check);
  const { recorder } = bed.http;
  const seenBefore = recorder.requests.length;
  const client = await bed.connectAs(check.peer).catch(() => undefined);
  // Who cannot even make a connection is denied without a byte.
  if (client === undefined) return differs(check, 'deny');
  try {
    await client.write(octetsOf(textOf(request)));
    const replies = () => readReplies(client.octets, [request.method], client.end);
    const isOver = (): boolean => replies().finals[0]?.isWhole === true || client.end !== 'open';
    if (!(await until(isOver, withinMs))) return `${named(check)}: no reply within ${withinMs} ms`;
    await until(() => !recorder.isBusy, QUIET_MS);
    const { finals, problem } = replies();
    if (problem !== undefined) return `${named(check)}: not HTTP: ${problem}`;
    const [reply] = finals;
    const seen = recorder.requests.length - seenBefore;
    if (check.decision === 'any') return reply === undefined ? 'no reply' : undefined;
    const isDenied = reply?.status === 403 && seen === 0;
    const isAllowed = reply?.status === 200 && seen === 1;
    if (isDenied) return differs(check, 'deny');
    if (isAllowed) return differs(check, 'allow');
    return `${named(check)}: status ${reply?.status}, ${seen} requests upstream`;
  } finally {
    client.destroy();
  }
}

/**
 * Bytes through the proxy, by a peer that speaks as sidecars do: the proxy answers with one octet before
 * any of the application, and is silent after a refusal.
 */
async function checkConnection(bed: AccessBed, check: CorpusCheck): Promise<string | undefined> {
  const { recorder } = bed.http;
  const seenBefore = recorder.connectionCount;
  const client = await bed.connectAs(check.peer, TCP_PROTOCOL).catch(() => undefined);
  if (client === undefined) return differs(check, 'deny');
  try {
    const hasAnswer = (): boolean => client.octets.length > 0 || client.end !== 'open';
    const withinMs = check.withinMs ?? WITHIN_MS;
    if (!(await until(hasAnswer, withinMs))) return `${named(check)}: no answer in ${withinMs} ms`;
    if (check.decision === 'any') return undefined;
    if (client.octets[0] === OPEN) return await speak(bed, check, client);
    const isClosed = await until(() => client.end !== 'open', withinMs);
    const isDenied = client.octets.equals(Buffer.of(DENIED));
    const isSeen = recorder.connectionCount > seenBefore;
    if (isDenied && isClosed && !isSeen) return differs(check, 'deny');
    return `${named(check)}: ${client.octets.toString('hex')}, ${client.end}, ${isSeen ? 'and' : 'not'} seen`;
  } finally {
    client.destroy();
  }
}

/** It is open: what is said must be heard there, and answered. */
async function speak(
  bed: AccessBed,
  check: CorpusCheck,
  client: RawClient,
): Promise<string | undefined> {
  await client.write(octetsOf(textOf({ method: 'GET', path: '/tcp' })));
  const isAnswered = await until(() => client.octets.includes('HTTP/1.1 200'), WITHIN_MS);
  const heard = bed.http.recorder.requests.at(-1)?.target;
  if (!isAnswered || heard !== '/tcp') return `${named(check)}: open, and nobody answers`;
  return differs(check, 'allow');
}

function differs(check: CorpusCheck, decision: 'allow' | 'deny'): string | undefined {
  if (check.decision === 'any' || check.decision === decision) return undefined;
  const because = check.because === undefined ? '' : ` (${check.because})`;
  return `${named(check)}: ${decision}, not ${check.decision}${because}`;
}

function named({ peer, request, connection }: CorpusCheck): string {
  const what = request === undefined ? connection : `${request.method} ${request.path}`;
  return `${peer} ${what}`;
}

function pathOf(target: string): string {
  return target.split('?', 1)[0] ?? '';
}

function textOf(request: NonNullable<CorpusCheck['request']>): string {
  const { method, path, host = 'svc.local', headers = [] } = request;
  const length = /^(POST|PUT|PATCH)$/.test(method) ? ['Content-Length: 0'] : [];
  const lines = headers.map(([name, value]) => `${name}: ${value}`);
  return `${[`${method} ${path} HTTP/1.1`, `Host: ${host}`, ...length, ...lines].join('\r\n')}\r\n\r\n`;
}
