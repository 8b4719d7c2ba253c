/**
 * A proxy's life with its control plane: joins with a token or comes with its certificate, takes views,
 * keeps the last good one, renews in time, registers its instance while the application is up, reports
 * once a second, and takes its leave. Losing the control plane changes nothing for traffic.
 */
import { createCsr, generateKey, privateKeyPem, renewAtMs, renewalRetryAtMs } from '@leno/ca';
import type { NodeInfo } from '@leno/push';
import { type LeaseInstance, PushClient } from '@leno/push/node';
import {
  messageOf,
  type Result,
  systemClock,
  systemRng,
  systemTimers,
  type TimerHandle,
  Watch,
} from '@leno/std';
import type { JsonLogger } from '@leno/std/node';
import type { Applied, PushedView } from '../data-plane.ts';
import { viewAfter } from '../view-after.ts';
import { type Identity, identityOf, loadIdentity, saveIdentity } from './identity-file.ts';
import { checkControlPlane, checkJoinChain } from './join-check.ts';
import { loadView, saveView } from './last-known-good.ts';

const LEASE_TTL_MS = 15_000;
const JOIN_RETRY_MS = 1_000;

/** A data plane, or several that take a view together. Must not reject but for a bug. */
export interface ViewTaker {
  apply(view: PushedView): Applied | Promise<Applied>;
}

/** What a session is made of. */
export interface ControlSessionOptions {
  /** `host:port` of the push listener. */
  readonly address: string;
  readonly trustDomain: string;
  readonly trustPin: string;
  /** Empty if there is none: then an identity must be in the state directory. */
  readonly joinToken: string;
  readonly stateDirectory: string;
  readonly node: NodeInfo;
  /** Who takes views, here or elsewhere. */
  readonly dataPlane: ViewTaker;
  /** The identity in use; the session sets it, TLS contexts follow it. */
  readonly identity: Watch<Identity | undefined>;
  readonly log: JsonLogger;
  /** Called each second; what it gives travels as `stat`. */
  stat(): Readonly<Record<string, unknown>>;
}

export class ControlSession {
  /** Whether a session stands, for readiness and metrics. */
  readonly connected = new Watch<boolean>(false);
  /** By the monotonic clock; undefined until the first contact. */
  lastContactMs: number | undefined;
  readonly #options: ControlSessionOptions;
  #client: PushClient | undefined;
  #held: PushedView | undefined;
  #lostBundles: readonly string[] | undefined;
  #heldAtMs = 0;
  #timer: TimerHandle | undefined;
  #statTimer: TimerHandle | undefined;
  #saving: Promise<void> = Promise.resolve();
  #leased: string | undefined;
  #isLeaving = false;
  #isStopped = false;

  constructor(options: ControlSessionOptions) {
    this.#options = options;
  }

  /**
   * Reads the state directory and puts the last-known-good in force. Call before `start`. What cannot
   * be used is put aside and said; only a directory that cannot be read at all throws.
   */
  async restore(): Promise<void> {
    const { dataPlane, identity, log, stateDirectory } = this.#options;
    const loaded = await loadIdentity(stateDirectory, this.#spiffeId);
    if (loaded.kind === 'set-aside') {
      log.error('the identity on disk cannot be used and was put aside', { ...loaded });
    } else if (loaded.kind === 'found') {
      const usable = loaded.identity.notAfterMs > systemClock.wallMs();
      if (usable) identity.set(loaded.identity);
      else log.warn('the certificate on disk has expired', { serial: loaded.identity.serial });
    }
    const { view, setAside } = await loadView(stateDirectory);
    for (const { file, why } of setAside)
      log.error('a damaged config was put aside', { file, why });
    if (view === undefined) return;
    const { version } = view;
    try {
      const { status, errors } = await dataPlane.apply(view);
      if (status === 'rejected') throw new Error(errors[0]?.msg ?? 'nothing of it can be used');
      this.#noteLost(view, errors);
      this.#held = { ...view, lostBundles: this.#lostBundles };
      this.#heldAtMs = view.savedAtMs;
      log.info('running on the last-known-good config', { version, status });
    } catch (thrown) {
      log.error('the last-known-good config cannot be used', { version, why: messageOf(thrown) });
    }
  }

  /** Begins to talk. Everything after this happens by itself. */
  start(): void {
    const { address, node } = this.#options;
    this.#client = new PushClient({
      url: `wss://${address}/v1/push`,
      tls: () => this.#tls(),
      join: this.#options.joinToken,
      node,
      have: () => this.#have(),
      apply: (view) => this.#apply(view),
      clock: systemClock,
      timers: systemTimers,
      rng: systemRng,
      on: {
        state: (status) => {
          this.connected.set(status.kind === 'live');
          if (status.kind === 'live') this.lastContactMs = systemClock.nowMs();
          if (status.lastError !== '') {
            this.#options.log.debug('push session', { kind: status.kind, why: status.lastError });
          }
        },
        running: (view) => this.#keep(view),
        error: (refusal) => this.#options.log.warn('the control plane refused', { ...refusal }),
      },
    });
    this.#client.start();
    const { identity, joinToken, log } = this.#options;
    if (identity.value !== undefined) {
      this.#scheduleRenewal(identity.value);
    } else {
      if (joinToken === '') log.error('there is neither a certificate nor a join token', {});
      void this.#obtain();
    }
    this.#tick();
  }

  /** Registers the instance, or says anew what it is. Not any more once it is leaving. */
  lease(instance: LeaseInstance): void {
    if (this.#isLeaving) return;
    this.#leased = instance.id;
    this.#client?.lease(instance, LEASE_TTL_MS);
  }

  /** Takes the registration back at once. */
  dropLease(): void {
    if (this.#leased === undefined) return;
    this.#client?.dropLease(this.#leased);
    this.#leased = undefined;
  }

  /**
   * Leaves the mesh for good: resolves when every other proxy has let go of the instance, when the
   * control plane cannot be asked, or after `withinMs`.
   */
  async leave(withinMs: number): Promise<void> {
    const id = this.#leased;
    const client = this.#client;
    this.#isLeaving = true;
    this.#leased = undefined;
    if (id === undefined || client === undefined) return;
    const answer = this.connected.value ? client.leave(id) : undefined;
    // Else a renewal, or the next session, would register it again while it drains.
    client.dropLease(id);
    if (answer === undefined) return;
    const left = await Promise.race([answer, timePassed(withinMs)]);
    if (left === undefined) this.#options.log.warn('left the mesh without an answer', { withinMs });
    else this.#options.log.info('left the mesh', { ...left });
  }

  /** Ends the session; what is being written to disk is waited for. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#statTimer?.cancel();
    this.#client?.stop();
    await this.#saving;
  }

  /** Who this proxy is, by what it was told; its certificate must say the same. */
  get #spiffeId(): string {
    const { node, trustDomain } = this.#options;
    return `spiffe://${trustDomain}/ns/${node.namespace}/sa/${node.service}`;
  }

  #tls(): ReturnType<ConstructorParameters<typeof PushClient>[0]['tls']> {
    const { identity, trustDomain, trustPin } = this.#options;
    const own = identity.value;
    if (own === undefined) {
      return {
        checkServer: (_der, chain) =>
          checkJoinChain(chain, { trustDomain, trustPin, nowMs: systemClock.wallMs() }),
      };
    }
    return {
      ca: own.roots,
      key: own.key,
      cert: own.chain.join(''),
      checkServer: (der): Result<unknown, string> => checkControlPlane(der, trustDomain),
    };
  }

  #have(): ReturnType<ConstructorParameters<typeof PushClient>[0]['have']> {
    const held = this.#held;
    if (held === undefined) return null;
    const { epoch, version, digest, resources } = held;
    return { epoch, version, digest, resources, ageMs: systemClock.wallMs() - this.#heldAtMs };
  }

  #apply(view: PushedView): Applied | Promise<Applied> {
    const applied = this.#options.dataPlane.apply(view);
    if (applied instanceof Promise) return applied.then((it) => this.#logged(view, it));
    return this.#logged(view, applied);
  }

  #logged(view: PushedView, applied: Applied): Applied {
    const { version, digest } = view;
    const { log } = this.#options;
    if (applied.status !== 'rejected') this.#noteLost(view, applied.errors);
    if (applied.status === 'applied') log.info('config applied', { version, digest });
    else log.error('config refused', { version, status: applied.status, errors: applied.errors });
    return applied;
  }

  /** What was refused with nothing to fall back on is so after a restart as well. */
  #noteLost(view: PushedView, errors: Applied['errors']): void {
    this.#lostBundles = viewAfter(view, this.#held, errors).lostBundles;
  }

  /** Writes one after the other; what is newest when the disk is free is what gets written. */
  #keep(running: PushedView): void {
    const view = { ...running, lostBundles: this.#lostBundles };
    this.#held = view;
    this.#heldAtMs = systemClock.wallMs();
    this.#saving = this.#saving.then(async () => {
      if (this.#held !== view) return;
      try {
        await saveView(this.#options.stateDirectory, view);
      } catch (thrown) {
        this.#options.log.error('the config cannot be kept on disk', { why: messageOf(thrown) });
      }
    });
  }

  /** Gets a certificate for a new key: at first with the join token, later by the current one. */
  async #obtain(): Promise<void> {
    const { identity, log, stateDirectory } = this.#options;
    const key = generateKey();
    try {
      const svid = await this.#client?.csr(createCsr({ key }));
      if (svid === undefined) return;
      const next = identityOf(privateKeyPem(key), svid.chain, svid.bundle);
      if (next.spiffeId !== this.#spiffeId) {
        throw new Error(`it is for ${next.spiffeId}, and this is ${this.#spiffeId}`);
      }
      await saveIdentity(stateDirectory, next);
      identity.set(next);
      log.info('certificate obtained', { spiffeId: next.spiffeId, serial: next.serial });
      // A joining session may do nothing else, and one that came with an older certificate ends with it.
      this.#client?.restart();
      this.#scheduleRenewal(next);
    } catch (thrown) {
      if (this.#isStopped) return;
      log.warn('no certificate yet', { why: messageOf(thrown) });
      this.#later(this.#retryDelayMs());
    }
  }

  #scheduleRenewal(identity: Identity): void {
    const atMs = renewAtMs(identity.notBeforeMs, identity.notAfterMs, systemRng);
    this.#later(Math.max(0, atMs - systemClock.wallMs()));
  }

  #retryDelayMs(): number {
    const own = this.#options.identity.value;
    if (own === undefined) return JOIN_RETRY_MS;
    const nowMs = systemClock.wallMs();
    return Math.max(JOIN_RETRY_MS, renewalRetryAtMs(own, nowMs, systemRng) - nowMs);
  }

  #later(delayMs: number): void {
    this.#timer?.cancel();
    if (this.#isStopped) return;
    // A timer holds 24.8 days at most; a certificate that lives longer is looked at again on the way.
    const stepMs = Math.min(delayMs, 86_400_000);
    this.#timer = systemTimers.after(stepMs, () => {
      if (delayMs > stepMs) this.#later(delayMs - stepMs);
      else void this.#obtain();
    });
  }

  #tick(): void {
    this.#statTimer = systemTimers.after(1_000, () => {
      if (this.connected.value) {
        this.lastContactMs = systemClock.nowMs();
        this.#client?.stat(this.#options.stat());
      }
      this.#tick();
    });
  }
}

function timePassed(ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    systemTimers.after(ms, () => resolve(undefined));
  });
}
