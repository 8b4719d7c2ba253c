import type { HttpBindings } from '@hono/node-server';
import type { ConfigDesk, EventLog, MeshState, Observatory } from '@leno/controlplane';
import type { MetricStore } from '@leno/telemetry';
import type { z } from 'zod';
import type { Guard, Visitor } from './guard.ts';
import type { StatusSchema, TokenSchema } from './schemas.ts';

/** What the API serves. */
export interface ApiParts {
  readonly state: MeshState;
  readonly observatory: Observatory;
  readonly configDesk: ConfigDesk;
  readonly events: EventLog;
  readonly guard: Guard;
  readonly metrics: MetricStore;
  /** False while it starts and while it stops. */
  readonly isReady: () => boolean;
  readonly status: () => z.output<typeof StatusSchema>;
  createToken(request: {
    readonly namespace: string;
    readonly service: string;
    readonly ttlMs: number;
    /** The name under which the caller reached the API. */
    readonly host: string;
  }): Promise<z.output<typeof TokenSchema>>;
  /** Where the dashboard's files are. */
  readonly dashboardDir: string;
}

/** The environment of every handler: Node's request, absent in tests that call the API in process. */
export interface ApiEnv {
  Bindings: Partial<HttpBindings>;
}

/** What the guard needs to know of a request. */
export function visitorOf(context: {
  readonly req: { header(name: string): string | undefined; readonly url: string };
  /** hono hands over none where the API is called within the process. */
  readonly env: ApiEnv['Bindings'] | undefined;
}): Visitor {
  return {
    host: context.req.header('host') ?? new URL(context.req.url).host,
    origin: context.req.header('origin'),
    authorization: context.req.header('authorization'),
    remoteAddress: context.env?.incoming?.socket.remoteAddress,
  };
}
