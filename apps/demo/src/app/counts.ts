/**
 * What an app saw with its own eyes, so that nobody has to believe the mesh: requests received, by
 * route, by caller and by class of request id, replies by status, and its own calls by service.
 */

const keyCountMax = 64;
const overflowKey = 'other';

/** Calls to one service as their caller saw them end. */
export interface CallCounts {
  readonly total: number;
  /** No reply, or a status of 500 and above. */
  readonly failures: number;
  /** By status; 0 is no reply. */
  readonly byStatus: Readonly<Record<string, number>>;
}

/** What `GET /__demo/counts` answers. */
export interface CountsSnapshot {
  readonly role: string;
  readonly version: string;
  readonly received: number;
  readonly byRoute: Readonly<Record<string, number>>;
  /** The part of `x-request-id` before its first dot; `none` without an id, `plain` without a dot. */
  readonly byClass: Readonly<Record<string, number>>;
  /** By `x-demo-caller`, which the apps send of their own accord. */
  readonly byCaller: Readonly<Record<string, number>>;
  readonly byStatus: Readonly<Record<string, number>>;
  readonly calls: Readonly<Record<string, CallCounts>>;
  /** Requests and calls that have not ended yet. */
  readonly underWay: number;
}

/** A map of counters with at most 64 keys; what comes after counts as `other`. */
class Tally {
  readonly #counts = new Map<string, number>();

  add(key: string): void {
    const known = this.#counts.get(key);
    const slot = known !== undefined || this.#counts.size < keyCountMax ? key : overflowKey;
    this.#counts.set(slot, (this.#counts.get(slot) ?? 0) + 1);
  }

  toObject(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }
}

/** The counters of one process. */
export class Counts {
  readonly #role: string;
  readonly #version: string;
  #received = 0;
  #underWay = 0;
  readonly #byRoute = new Tally();
  readonly #byClass = new Tally();
  readonly #byCaller = new Tally();
  readonly #byStatus = new Tally();
  readonly #calls = new Map<string, { total: number; failures: number; byStatus: Tally }>();

  constructor(role: string, version: string) {
    this.#role = role;
    this.#version = version;
  }

  /** A request came in. */
  received(route: string, requestId: string | undefined, caller: string): void {
    this.#received += 1;
    this.#underWay += 1;
    this.#byRoute.add(route);
    this.#byClass.add(requestIdClass(requestId));
    this.#byCaller.add(caller);
  }

  /** It was answered; 0 if its caller went away. */
  replied(status: number): void {
    this.#underWay -= 1;
    this.#byStatus.add(String(status));
  }

  /** A call to `service` begins. */
  calling(): void {
    this.#underWay += 1;
  }

  /** It ended with this status; 0 without a reply. */
  called(service: string, status: number): void {
    this.#underWay -= 1;
    let calls = this.#calls.get(service);
    if (calls === undefined) {
      calls = { total: 0, failures: 0, byStatus: new Tally() };
      this.#calls.set(service, calls);
    }
    calls.total += 1;
    if (status === 0 || status >= 500) calls.failures += 1;
    calls.byStatus.add(String(status));
  }

  snapshot(): CountsSnapshot {
    const calls = [...this.#calls].map(([service, it]): [string, CallCounts] => [
      service,
      { total: it.total, failures: it.failures, byStatus: it.byStatus.toObject() },
    ]);
    return {
      role: this.#role,
      version: this.#version,
      received: this.#received,
      byRoute: this.#byRoute.toObject(),
      byClass: this.#byClass.toObject(),
      byCaller: this.#byCaller.toObject(),
      byStatus: this.#byStatus.toObject(),
      calls: Object.fromEntries(calls),
      underWay: this.#underWay,
    };
  }
}

/** A test that sends `mytest.17` as request id finds its requests under `mytest`, in every app. */
function requestIdClass(requestId: string | undefined): string {
  if (requestId === undefined) return 'none';
  const dotAt = requestId.indexOf('.');
  return dotAt < 1 ? 'plain' : requestId.slice(0, Math.min(dotAt, 40));
}
