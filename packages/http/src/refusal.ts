/** Why bytes are no HTTP message that we take. A value, for it is ordinary; never made of the input. */
export interface Refusal {
  /** Status of the reply where a request is refused. */
  readonly status: number;
  readonly reason: 'bad-request' | 'head-too-large' | 'body-too-large' | 'client-timeout';
  readonly detail: string;
}

/** Of one class, so that a look at it tells a refusal from a head: see `isRefusal`. */
class Refused implements Refusal {
  readonly status: number;
  readonly reason: Refusal['reason'];
  readonly detail: string;

  constructor(status: number, reason: Refusal['reason'], detail: string) {
    this.status = status;
    this.reason = reason;
    this.detail = detail;
  }
}

/** Whether `outcome` is one of the refusals of this file, and not what was asked for. */
export function isRefusal(outcome: object): outcome is Refusal {
  return outcome instanceof Refused;
}

/** Malformed or ambiguous. `status` is 400 unless another says it better (405, 417, 501, 505). */
export function malformed(detail: string, status = 400): Refusal {
  return new Refused(status, 'bad-request', detail);
}

export const headTooLarge: Refusal = new Refused(
  431,
  'head-too-large',
  'the head has too many octets',
);

export const tooManyFields: Refusal = new Refused(
  431,
  'head-too-large',
  'the head has too many fields',
);

export const bodyTooLarge: Refusal = new Refused(
  413,
  'body-too-large',
  'the body has too many octets',
);
