import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { repository } from '../../tools/packages.ts';

const run = promisify(execFile);

function works(command: string, ...args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore', timeout: 20_000 }).status === 0;
}

/** Compose of either make, if there is an engine for it. */
export const composeCommand: readonly [string, ...string[]] | undefined = !works('docker', 'info')
  ? undefined
  : works('docker', 'compose', 'version')
    ? ['docker', 'compose']
    : works('docker-compose', 'version')
      ? ['docker-compose']
      : undefined;

/** The mesh of `compose.yaml` under a name and on ports of its own, so that it disturbs no other. */
export class Compose {
  readonly #project: string;
  readonly #environment: NodeJS.ProcessEnv;

  constructor(project: string, ports: { readonly api: number; readonly shop: number }) {
    this.#project = project;
    this.#environment = {
      ...process.env,
      COMPOSE_PROJECT_NAME: project,
      LENO_API_PORT: String(ports.api),
      LENO_SHOP_PORT: String(ports.shop),
    };
  }

  /** Runs a Compose command; gives what it says on standard output. */
  async compose(...args: readonly string[]): Promise<string> {
    const [program, ...first] = composeCommand ?? ['docker-compose'];
    return this.#run(program, [...first, ...args]);
  }

  /** Runs a command of the engine itself. */
  async docker(...args: readonly string[]): Promise<string> {
    return this.#run('docker', args);
  }

  /** The id of the container of a service. */
  async idOf(service: string): Promise<string> {
    return (await this.compose('ps', '-q', service)).trim();
  }

  /** What is left of it: containers, networks and volumes. */
  async leftovers(): Promise<string> {
    const label = `label=com.docker.compose.project=${this.#project}`;
    const all = [
      this.docker('ps', '-aq', '--filter', label),
      this.docker('network', 'ls', '-q', '--filter', label),
      this.docker('volume', 'ls', '-q', '--filter', label),
    ];
    return (await Promise.all(all)).join('').trim();
  }

  /** Rejects with an error that has the exit code of the command in the `code` of its cause. */
  async #run(program: string, args: readonly string[]): Promise<string> {
    const options = { cwd: repository, env: this.#environment, maxBuffer: 1 << 26 };
    try {
      return (await run(program, args, options)).stdout;
    } catch (thrown) {
      // What failed in a build stands at the end of standard output.
      const said = thrown instanceof Error && 'stdout' in thrown ? String(thrown.stdout) : '';
      throw new Error(`${program} ${args.join(' ')}: ${said.slice(-3_000)}`, { cause: thrown });
    }
  }
}
