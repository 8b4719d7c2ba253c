/** Object identifiers of names and extensions (RFC 5280 §4.2 and appendix A). */
export const oids = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  authorityKeyId: '2.5.29.35',
  extKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const;

/** Bits of the KeyUsage extension, by their number (RFC 5280 §4.2.1.3). */
export const keyUsageBits = {
  digitalSignature: 0,
  keyCertSign: 5,
  cRLSign: 6,
} as const;

/** A use of a key that Leno writes or asks about. */
export type KeyUsage = keyof typeof keyUsageBits;

/** Tags of GeneralName (RFC 5280 §4.2.1.6). */
export const generalName = { dns: 2, uri: 6 } as const;
