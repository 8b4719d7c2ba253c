/** Why an open session is ended (push protocol §2); sent in the WebSocket close frame. */
export const closeCodes = {
  /** The ordinary end, said by the side that stops. */
  normal: 1_000,
  /** This server stops; another may be there. */
  goingAway: 1_001,
  protocol: 4_400,
  auth: 4_401,
  ackTimeout: 4_408,
  behind: 4_409,
  tooBig: 4_413,
  admission: 4_429,
  internal: 4_500,
} as const;

/** One of `closeCodes`. */
export type CloseCode = (typeof closeCodes)[keyof typeof closeCodes];
