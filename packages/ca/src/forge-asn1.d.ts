/** node-forge's DER codec by itself: a tenth of the loading time of the whole package. */
declare module 'node-forge/lib/asn1.js' {
  import type { asn1 } from 'node-forge';

  const codec: Omit<typeof asn1, 'fromDer'> & {
    fromDer(
      bytes: string,
      options: {
        readonly strict: boolean;
        readonly parseAllBytes: boolean;
        readonly decodeBitStrings: boolean;
        readonly maxDepth: number;
      },
    ): asn1.Asn1;
  };
  export default codec;
}
