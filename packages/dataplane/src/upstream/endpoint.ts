/** One endpoint as the proxy sees it: where it is, its breaker, and its connections. */
import type { EndpointBody } from '@leno/config';
import type { ClientPool } from '@leno/http';
import { type Breaker, type BreakerReport, explainBreaker } from '@leno/resilience';

export class Endpoint {
  readonly id: string;
  readonly breaker: Breaker;
  readonly pool: ClientPool;
  body: EndpointBody;
  /** TCP connections to it, open or being opened. */
  tcpCount = 0;

  constructor(body: EndpointBody, breaker: Breaker, pool: ClientPool) {
    this.id = body.id;
    this.body = body;
    this.breaker = breaker;
    this.pool = pool;
  }

  /** What its breaker knows at `nowMs`. */
  explain(nowMs: number): BreakerReport {
    return explainBreaker(this.breaker, nowMs);
  }

  get weight(): number {
    return this.body.weight;
  }
}

/** The permit of a request that was let through although every breaker refused. */
export const PANIC_PERMIT = -2;
