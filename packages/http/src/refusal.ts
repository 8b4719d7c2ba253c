/** Why bytes are no HTTP message that we take. A value, for it is ordinary; never made of the input. */
export interface Refusal {
  /** Status of the reply where a request is refused. */
  readonly status: number;
  readonly reason: 'bad-request' | 'head-too-large' | 'body-too-large' | 'client-timeout';
  readonly detail: string;
}

/** Malformed or ambiguous. `status` is 400 unless another says it better (405, 417, 501, 505). */
export function malformed(detail: string, status = 400): Refusal {
  return { status, reason: 'bad-request', detail };
}

export const headTooLarge: Refusal = {
  status: 431,
  reason: 'head-too-large',
  detail: 'the head has too many octets',
};

export const tooManyFields: Refusal = {
  status: 431,
  reason: 'head-too-large',
  detail: 'the head has too many fields',
};

export const bodyTooLarge: Refusal = {
  status: 413,
  reason: 'body-too-large',
  detail: 'the body has too many octets',
};
