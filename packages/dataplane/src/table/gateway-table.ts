/**
 * The doors of one gateway, by port and host. A request belongs to one door, that of the most specific
 * host name, and only routes attached there are asked (Gateway API, Listener): a route of `*.shop.test`
 * does not see what came for the door of `a.shop.test`.
 */
import type { GatewayBody } from '@leno/config';
import type { RouteRule, RouteTable } from '@leno/routing';
import type { TableRule } from './runtime-table.ts';

/** One listener, with what is attached to it. */
export interface Door {
  readonly listener: GatewayBody['listeners'][number];
  /** Undefined: nothing is attached. */
  readonly routes: RouteTable | undefined;
}

/** What a gateway decides by. Immutable, as the table that it is a part of. */
export class GatewayTable {
  /** `namespace/name`. */
  readonly name: string;
  readonly body: GatewayBody;
  readonly rules: ReadonlyMap<RouteRule, TableRule>;
  readonly #ports: ReadonlyMap<number, DoorIndex>;

  constructor(body: GatewayBody, doors: readonly Door[], rules: ReadonlyMap<RouteRule, TableRule>) {
    this.name = `${body.namespace}/${body.name}`;
    this.body = body;
    this.rules = rules;
    const ports = new Set(body.listeners.map(({ port }) => port));
    this.#ports = new Map(
      [...ports].map((port) => [
        port,
        new DoorIndex(doors.filter(({ listener }) => listener.port === port)),
      ]),
    );
  }

  /** The door for `host`, in lower case and without port; undefined: there is none. */
  doorOf(port: number, host: string): Door | undefined {
    return this.#ports.get(port)?.find(host);
  }
}

class DoorIndex {
  readonly #exact = new Map<string, Door>();
  /** By what follows `*`, longest first. */
  readonly #wildcards: readonly { readonly suffix: string; readonly door: Door }[];
  readonly #any: Door | undefined;

  constructor(doors: readonly Door[]) {
    const wildcards: { suffix: string; door: Door }[] = [];
    for (const door of doors) {
      const { hostname } = door.listener;
      if (hostname?.startsWith('*.') === true) wildcards.push({ suffix: hostname.slice(1), door });
      else if (hostname !== undefined) this.#exact.set(hostname, door);
    }
    this.#wildcards = wildcards.toSorted((a, b) => b.suffix.length - a.suffix.length);
    this.#any = doors.find(({ listener }) => listener.hostname === undefined);
  }

  find(host: string): Door | undefined {
    const exact = this.#exact.get(host);
    if (exact !== undefined) return exact;
    for (const { suffix, door } of this.#wildcards) if (host.endsWith(suffix)) return door;
    return this.#any;
  }
}
