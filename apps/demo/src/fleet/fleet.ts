/**
 * The supervisor: control plane, configuration, fourteen apps with their sidecars, and the one app
 * without. What was started is stopped, whatever happened in between.
 */
import { readdir, readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Clock, LenoError } from '@leno/std';
import { allocatePorts, type RunningProcess, startProcess } from '@leno/std/node';
import { type ControlPlane, type ControlPlaneListen, startControlPlane } from './control-plane.ts';
import { httpCall } from './http-json.ts';
import { type Member, type MemberParts, type Started, startMember } from './member.ts';
import { instances, legacy } from './plan.ts';
import type { Program, Programs } from './programs.ts';
import type { RunDirectory } from './run-directory.ts';

const greenDeadlineMs = 60_000;
const pollMs = 100;
const stopGraceMs = 5_000;

/** Something of the fleet did not come up in time. */
export class NotGreenError extends LenoError {
  readonly code = 'LENO_DEMO_NOT_GREEN';
  readonly fault = 'mesh';
}

/** What a fleet is started with. */
export interface FleetOptions {
  readonly programs: Programs;
  readonly directory: RunDirectory;
  readonly listen: ControlPlaneListen;
  readonly shopPort: number;
  readonly clock: Clock;
  /** Told what happens, for people. */
  readonly say: (line: string) => void;
}

/** The running fleet. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #processes: { readonly name: string; readonly process: RunningProcess }[] = [];
  #members: readonly Member[] = [];
  #controlPlane: ControlPlane | undefined;
  #legacy: (Started & { readonly address: string }) | undefined;
  #isStopping = false;

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  get members(): readonly Member[] {
    return this.#members;
  }

  /** Legal once `start` has begun the members. */
  get controlPlane(): ControlPlane {
    if (this.#controlPlane === undefined) throw new NotGreenError('there is no control plane yet');
    return this.#controlPlane;
  }

  /** The app without a sidecar; undefined until `start` is through. */
  get legacy(): (Started & { readonly address: string }) | undefined {
    return this.#legacy;
  }

  /** `host:port` of the shop. */
  get shop(): string {
    return `127.0.0.1:${this.#options.shopPort}`;
  }

  /** Starts everything and resolves when all of it is green: connected, converged, and serving. */
  async start(): Promise<void> {
    const { programs, directory, listen, say } = this.#options;
    const startedAtMs = this.#nowMs();
    const since = () => `${((this.#nowMs() - startedAtMs) / 1_000).toFixed(1)} s`;
    const spawn = (program: Program, name: string) => this.#spawn(program, name);
    this.#controlPlane = await startControlPlane({ programs, directory, listen, spawn });
    await this.#applyConfig(this.#controlPlane);
    say(`control plane    http://${this.#controlPlane.api}    (${since()})`);
    const { controlPlane } = this;
    const { shopPort } = this.#options;
    this.#members = await startAll({ programs, directory, controlPlane, shopPort, spawn });
    say(`${instances.length} apps, ${instances.length} sidecars started    (${since()})`);
    await this.#untilGreen(controlPlane);
    await this.#startLegacy();
    await directory.write('fleet.json', JSON.stringify(describeFleet(this), null, 2));
    say(`all green    (${since()})`);
  }

  /** Stops all of it: members first, so that they can say goodbye, then the control plane. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    const [first, ...rest] = this.#processes;
    await Promise.all(rest.map((it) => it.process.stop({ graceMs: stopGraceMs })));
    await first?.process.stop({ graceMs: stopGraceMs });
  }

  /** Ends everything at once, for the second Ctrl-C. */
  kill(): void {
    this.#isStopping = true;
    for (const it of this.#processes) it.process.kill('SIGKILL');
  }

  #nowMs(): number {
    return this.#options.clock.nowMs();
  }

  #spawn(program: Program, name: string): RunningProcess {
    if (this.#isStopping) throw new NotGreenError('the fleet is being stopped');
    const { directory, say } = this.#options;
    const process = startProcess({ ...program, logFile: directory.logOf(name) });
    this.#processes.push({ name, process });
    void process.exited.then(({ code, signal }) => {
      if (!this.#isStopping) say(`${name} ended with ${signal ?? `code ${code}`}`);
    });
    return process;
  }

  async #applyConfig(controlPlane: ControlPlane): Promise<void> {
    const directory = fileURLToPath(new URL('../../config/', import.meta.url));
    const files = (await readdir(directory)).filter((it) => it.endsWith('.yaml')).sort();
    const texts = await Promise.all(files.map((it) => readFile(join(directory, it), 'utf8')));
    // One transaction, since routes name services that another file declares.
    await controlPlane.apply(texts.join('\n---\n'), files.join('+'));
  }

  async #untilGreen(controlPlane: ControlPlane): Promise<void> {
    const deadlineMs = this.#nowMs() + greenDeadlineMs;
    for (;;) {
      const { proxies, instances: registered, converged } = await controlPlane.status();
      const seen = `${proxies.connected} proxies connected, ${registered.ready} instances ready`;
      const isComplete =
        proxies.connected >= instances.length && registered.ready >= instances.length && converged;
      if (isComplete && (await this.#canBuy())) return;
      if (this.#nowMs() > deadlineMs) {
        const why = isComplete ? 'nobody can buy anything' : `${seen}, converged: ${converged}`;
        throw new NotGreenError(`not green after ${greenDeadlineMs} ms: ${why}`);
      }
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  }

  /** One visitor goes all the way: every service of the fleet has then answered once. */
  async #canBuy(): Promise<boolean> {
    // Stars on the front page come from ratings by way of reviews; the shop would sell without them.
    if (!(await this.#visit('/')).includes('class="stars')) return false;
    for (const path of ['/cart', '/checkout']) {
      if ((await this.#visit(path, 'item=dawn&quantity=1')) === 'failed') return false;
    }
    return true;
  }

  /** What the shop answers; `failed` without a good reply. */
  async #visit(path: string, form?: string): Promise<string> {
    const headers = {
      cookie: 'session=probe',
      'x-request-id': 'probe.1',
      'x-demo-caller': 'probe',
      'content-type': 'application/x-www-form-urlencoded',
    };
    const post = form === undefined ? {} : ({ method: 'POST', body: form } as const);
    try {
      const reply = await httpCall({ url: `http://${this.shop}${path}`, headers, ...post });
      return reply.status < 400 ? reply.text : 'failed';
    } catch {
      return 'failed';
    }
  }

  /** Dials the inbound listener of its target directly and in the clear, as it always has. */
  async #startLegacy(): Promise<void> {
    const target = this.#members.find((it) => it.instance.role === legacy.target);
    const [port = 0] = await allocatePorts(1);
    const program = this.#options.programs.app(legacy.role, {
      HOST: '127.0.0.1',
      PORT: String(port),
      DEMO_ADDRESSES: `${legacy.target}=${target?.sidecar.inbound ?? ''}`,
    });
    const process = this.#spawn(program, legacy.role);
    await process.ready;
    this.#legacy = { process, program, address: `127.0.0.1:${port}` };
  }
}

/** Starts members a few at a time: more at once would only make each of them slower. */
async function startAll(parts: MemberParts): Promise<Member[]> {
  const members: Member[] = [];
  const waiting = [...instances.entries()];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      members[next[0]] = await startMember(parts, next[1]);
    }
  };
  const atOnce = Math.max(2, availableParallelism());
  await Promise.all(Array.from({ length: atOnce }, work));
  return members;
}

/** What `fleet.json` says: addresses, process ids, and how to start each process again. */
function describeFleet(fleet: Fleet) {
  const started = ({ process, program }: Started) => ({ pid: process.pid, program });
  const { controlPlane, legacy: importer } = fleet;
  return {
    shop: fleet.shop,
    controlPlane: { api: controlPlane.api, push: controlPlane.push, ...started(controlPlane) },
    members: fleet.members.map(({ instance, app, sidecar }) => {
      const { outbound, inbound, admin, metrics } = sidecar;
      return {
        ...instance,
        app: { address: app.address, ...started(app) },
        sidecar: { outbound, inbound, admin, metrics, ...started(sidecar) },
      };
    }),
    legacy: importer === undefined ? null : { address: importer.address, ...started(importer) },
  };
}
