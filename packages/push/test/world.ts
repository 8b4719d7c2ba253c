import { type Resource, viewDigest } from '@leno/config';
import { assert } from '@leno/std';
import {
  type ClientEvent,
  type ClientState,
  clientWakeMs,
  createClientState,
} from '../src/client/client-state.ts';
import { clientStep } from '../src/client/client-step.ts';
import { decodeClientMessage, decodeServerMessage, encodeMessage } from '../src/messages/codec.ts';
import { compareRevisions, type Revision } from '../src/messages/revision.ts';
import type { ServerMessage, Snapshot } from '../src/messages/server-messages.ts';
import type { ApplyResult, View } from '../src/messages/view.ts';
import { createServerState, serverStep } from '../src/server/server-step.ts';
import { type ServerEvent, type ServerState, serverWakeMs } from '../src/server/session-state.ts';

/** What may happen to the world. */
export type Op =
  | { readonly kind: 'commit'; readonly at: number; readonly isBad: boolean }
  | { readonly kind: 'down' | 'up'; readonly count: number }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'flow' | 'sync' | 'elsewhere' | 'replay' | 'corrupt' }
  | { readonly kind: 'cut' | 'restart' | 'switch' | 'restore' };

const bytesMax = 1_000_000;
const names = ['a', 'b', 'c'];
const bundleOf = (name: string): string => (name <= 'b' ? 'ab' : name);

/** One proxy, two servers, one link. Throws as soon as an invariant does not hold. */
export class World {
  nowMs = 0;
  readonly #log: View[] = [];
  /** Of the two servers, how much of the log each has seen. */
  readonly #seen: [number, number] = [0, 0];
  #target: 0 | 1 = 0;
  client: ClientState;
  server: ServerState | undefined;
  #toServer: string[] = [];
  #toClient: string[] = [];
  #isOpening = false;
  #sessionCount = 0;
  /** Of this session: the contents of bundles that were refused. */
  #refused = new Set<string>();
  snapshotCount = 0;

  constructor() {
    this.#log.push(viewAt({ epoch: 1, version: 1 }, []));
    this.client = createClientState({
      node: { id: 'p', service: 's', namespace: 'n', labels: {}, build: '' },
      leaseCountMax: 4,
      requestCountMax: 4,
      connectTimeoutMs: 5_000,
      requestTimeoutMs: 10_000,
      heartbeatMs: 10_000,
    });
    this.#tell({ kind: 'start', held: null });
  }

  get head(): View {
    return this.#log.at(-1) ?? viewAt({ epoch: 0, version: 0 }, []);
  }

  perform(op: Op): void {
    switch (op.kind) {
      case 'commit':
        this.#commit(names[op.at % names.length] ?? 'a', op.isBad);
        break;
      case 'down':
      case 'up':
        for (let index = 0; index < op.count; index += 1) this.#deliver(op.kind);
        break;
      case 'wait':
        this.run(op.ms, false);
        break;
      case 'sync':
        this.#seen[this.#target] = this.#log.length - 1;
        this.#show();
        break;
      case 'flow':
        this.run(500, true);
        break;
      case 'elsewhere':
        // A revision that changes nothing for this proxy.
        this.#log.push({ ...this.head, version: this.head.version + 1 });
        break;
      case 'replay':
      case 'corrupt':
        this.#forge(op.kind === 'corrupt');
        break;
      case 'cut':
        this.#cut();
        break;
      case 'switch':
        this.#target = this.#target === 0 ? 1 : 0;
        this.#cut();
        break;
      case 'restore':
        // A backup: versions are given out once more, for other content; the epoch says so.
        this.#log.push({
          ...this.head,
          epoch: this.head.epoch + 1,
          resources: this.head.resources.map((it) => ({ ...it, hash: `${it.hash}+` })),
        });
        this.#seen.fill(this.#log.length - 1);
        this.#cut();
        break;
      case 'restart':
        this.#restart();
        break;
    }
  }

  /** The end of all faults: both servers see everything, and the link carries at once. */
  settle(forMs: number): void {
    this.#seen.fill(this.#log.length - 1);
    this.#show();
    this.run(forMs, true);
  }

  /** Lets time pass from wake to wake; `isCarrying` delivers whatever is on the link. */
  run(forMs: number, isCarrying: boolean): void {
    const endMs = this.nowMs + forMs;
    for (let guard = 0; guard < 10_000; guard += 1) {
      if (isCarrying) while (this.#deliver('up') || this.#deliver('down'));
      if (this.#isOpening && isCarrying) continue;
      const serverMs = this.server === undefined ? Infinity : serverWakeMs(this.server);
      const wakeMs = Math.min(clientWakeMs(this.client), serverMs);
      if (wakeMs > endMs) break;
      this.nowMs = Math.max(this.nowMs, wakeMs);
      this.#tell({ kind: 'tick' });
      this.#say({ kind: 'tick' });
    }
    this.nowMs = endMs;
  }

  #commit(name: string, isBadCommit: boolean): void {
    const { epoch, version, resources } = this.head;
    const next = { epoch, version: version + 1 };
    const others = resources.filter((it) => it.name !== name);
    const body = { isBad: isBadCommit };
    const hash = `${name}${String(next.version)}`;
    const changed: Resource = {
      type: 'service',
      name,
      version: next.version,
      hash,
      bundle: bundleOf(name),
      body,
    };
    this.#log.push(viewAt(next, [...others, changed]));
  }

  /** What no transport should do: an old snapshot, or one whose content is not its digest's. */
  #forge(isCorrupt: boolean): void {
    const { phase, running } = this.client;
    if (phase.kind !== 'live' || running === null) return;
    const old = this.#log.filter((it) => compareRevisions(it, running.have) < 0);
    const view = isCorrupt ? this.head : old[Math.floor(old.length / 2)];
    if (view === undefined || (isCorrupt && view.resources.length === 0)) return;
    const { epoch, version, digest } = view;
    const resources = isCorrupt ? view.resources.slice(1) : [...view.resources];
    const message = { t: 'snapshot', nonce: 9_999, epoch, version, digest, resources } as const;
    this.#tell({ kind: 'message', message });
  }

  #show(): void {
    this.#say({ kind: 'view', view: this.#log[this.#seen[this.#target]] });
  }

  #restart(): void {
    const { running, options } = this.client;
    this.#cut();
    this.client = createClientState(options);
    // Its own last-known-good: what ran is what it starts from.
    const held = running === null ? null : { ...running.have, resources: running.resources };
    this.#tell({ kind: 'start', held });
  }

  #cut(): void {
    this.server = undefined;
    this.#toServer = [];
    this.#toClient = [];
    this.#isOpening = false;
    this.#tell({ kind: 'lost', reason: 'cut' });
  }

  /** One message, or the opening itself; false if there is none. */
  #deliver(way: 'up' | 'down'): boolean {
    if (this.#isOpening) {
      this.#open();
      return true;
    }
    if (way === 'up') {
      const text = this.#toServer.shift();
      if (text === undefined) return false;
      const message = decodeClientMessage(text, bytesMax);
      if (!message.ok) throw new Error(message.error.msg);
      this.#say({ kind: 'message', message: message.value });
      return true;
    }
    const text = this.#toClient.shift();
    if (text === undefined) return false;
    const message = decodeServerMessage(text, bytesMax);
    if (!message.ok) throw new Error(message.error.msg);
    this.#tell({ kind: 'message', message: message.value });
    return true;
  }

  #open(): void {
    this.#isOpening = false;
    this.#sessionCount += 1;
    this.#refused = new Set();
    const bounds = { requestCountMax: 4, leaseCountMax: 4, statsPerSecond: 2 };
    const times = { heartbeatMs: 10_000, ackTimeoutMs: 10_000, expiresAtMs: Infinity };
    const session = String(this.#sessionCount);
    this.server = createServerState(
      { session, server: 's', role: 'member', ...bounds, ...times },
      { nowMs: this.nowMs, random: 0.5 },
    );
    this.#tell({ kind: 'opened', isJoining: false });
  }

  #tell(body: Unstamped<ClientEvent>): void {
    const before = this.client.running;
    const [state, effects] = clientStep(this.client, this.#stamp(body) as ClientEvent);
    this.client = state;
    const after = state.running;
    if (before !== null && after !== null && after !== before) {
      assert(compareRevisions(after.have, before.have) >= 0, 'S1: what runs never goes back');
    }
    // A process that has just started has its own last-known-good for the past.
    this.#checkContent((before ?? after)?.resources ?? []);
    for (const effect of effects) {
      if (effect.kind === 'connect') {
        this.server = undefined;
        this.#toServer = [];
        this.#toClient = [];
        this.#isOpening = true;
      } else if (effect.kind === 'send') {
        this.#toServer.push(textOf(encodeMessage(effect.message, bytesMax)));
      } else if (effect.kind === 'ping') {
        this.#say({ kind: 'heard' });
        this.#tell({ kind: 'heard' });
      } else if (effect.kind === 'apply') {
        this.#tell({ kind: 'applied', result: this.#judge(effect.view), applyMs: 0 });
      } else if (effect.kind === 'close' || effect.kind === 'terminate') {
        this.server = undefined;
      }
    }
  }

  #say(body: Unstamped<ServerEvent>): void {
    if (this.server === undefined) return;
    const [state, effects] = serverStep(this.server, this.#stamp(body) as ServerEvent);
    this.server = state;
    for (const effect of effects) {
      if (effect.kind === 'send') this.#carry(effect.message);
      else if (effect.kind === 'hello') {
        this.#say({ kind: 'admit', view: this.#log[this.#seen[this.#target]] });
      } else if (effect.kind === 'close' || effect.kind === 'terminate') this.#cut();
    }
  }

  #carry(message: ServerMessage): void {
    this.#toClient.push(textOf(encodeMessage(message, bytesMax)));
    if (message.t !== 'snapshot') return;
    this.snapshotCount += 1;
    const isSnapshot = (it: string): boolean => it.startsWith('{"t":"snapshot"');
    assert(this.#toClient.filter(isSnapshot).length === 1, 'S4: one on its way');
    const verdict = `{"t":"ack","nonce":${String(message.nonce - 1)},`;
    assert(!this.#toServer.some((it) => it.startsWith(verdict)), 'S4: none without a verdict');
    const have = this.client.running?.have ?? message;
    assert(compareRevisions(message, have) >= 0, 'R7: a server that is behind sends nothing');
    for (const bundle of new Set(message.resources.map((it) => it.bundle))) {
      const content = contentOf(message.resources, bundle);
      assert(!this.#refused.has(content), 'S7: what was refused does not come again');
    }
  }

  /** Refuses the bundles in which something is bad, and sometimes everything at once. */
  #judge(view: View): ApplyResult {
    const bad = view.resources.filter(isBad);
    if (bad.length === 0) return { status: 'applied', errors: [] };
    for (const it of bad) this.#refused.add(contentOf(view.resources, it.bundle));
    const status = view.version % 5 === 0 ? 'rejected' : 'partial';
    const errors = bad.map(({ type, name, version }) => {
      return { type, name, version, code: 'BAD', path: '', msg: 'bad' };
    });
    return { status, errors };
  }

  /** S2 and S3: what runs is the truth at its revision but for refused bundles, and never bad. */
  #checkContent(before: readonly Resource[]): void {
    const { running } = this.client;
    if (running === null) return;
    const { resources, have } = running;
    assert(have.digest === viewDigest(resources), 'S2: the digest is that of the content');
    assert(!resources.some(isBad), 'S3: nothing bad runs');
    const truth = this.#log.find((it) => compareRevisions(it, have) === 0);
    if (truth === undefined) throw new Error('what runs was never committed');
    for (const bundle of new Set(truth.resources.map((it) => it.bundle))) {
      const should = truth.resources.filter((it) => it.bundle === bundle);
      const expected = contentOf(should.some(isBad) ? before : truth.resources, bundle);
      assert(contentOf(resources, bundle) === expected, 'S2, S5: taken whole, or left whole');
    }
  }

  #stamp(body: object): object {
    return { ...body, nowMs: this.nowMs, random: 0.5 };
  }
}

type Unstamped<E> = E extends unknown ? Omit<E, 'nowMs' | 'random'> : never;

function isBad(resource: Resource): boolean {
  return (resource.body as { isBad: boolean }).isBad;
}

function viewAt(revision: Revision, resources: readonly Resource[]): View {
  return { ...revision, digest: viewDigest(resources), resources };
}

function contentOf(resources: Snapshot['resources'] | readonly Resource[], bundle: string): string {
  return resources
    .filter((it) => it.bundle === bundle)
    .map((it) => `${it.name}@${String(it.version)}#${it.hash}`)
    .sort()
    .join(' ');
}

function textOf(encoded: ReturnType<typeof encodeMessage>): string {
  if (!encoded.ok) throw new Error(encoded.error.msg);
  return encoded.value;
}
