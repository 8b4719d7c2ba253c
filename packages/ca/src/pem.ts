/** PEM of RFC 7468 in its strict form: known labels, 64-column base64, nothing in between. */
import { DerError } from './der.ts';

const blockPattern =
  /^-----BEGIN ([A-Z ]{1,32})-----\n([A-Za-z0-9+/=\n]*)-----END ([A-Z ]{1,32})-----\n?/;
const base64Pattern = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

const textLengthMax = 1_048_576;

/** One PEM block. */
export interface PemBlock {
  /** What stands between BEGIN and the dashes, such as `CERTIFICATE`. */
  readonly label: string;
  readonly der: Uint8Array;
}

/** One block as text, ending in a newline. */
export function encodePem(label: string, der: Uint8Array): string {
  const base64 = Buffer.from(der.buffer, der.byteOffset, der.length).toString('base64');
  const lines = base64.match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/** All blocks of at most 1 MiB. Throws `DerError` for anything around them but white space. */
export function decodePem(text: string): readonly PemBlock[] {
  if (text.length > textLengthMax) throw new DerError(`has more than ${textLengthMax} characters`);
  const blocks: PemBlock[] = [];
  let rest = text.replaceAll('\r\n', '\n').trimStart();
  while (rest !== '') {
    const match = blockPattern.exec(rest);
    const [whole, label, body, endLabel] = match ?? [];
    const base64 = body?.replaceAll('\n', '') ?? '';
    if (whole === undefined || label === undefined || label !== endLabel) {
      throw new DerError('is not PEM');
    }
    if (base64 === '' || !base64Pattern.test(base64)) throw new DerError('has malformed base64');
    blocks.push({ label, der: Buffer.from(base64, 'base64') });
    rest = rest.slice(whole.length).trimStart();
  }
  return blocks;
}

/**
 * The DER of a text with exactly one block of that label, or the bytes themselves. Text of more
 * than `bytesMax` characters of base64's worth is not looked at.
 */
export function derOf(pemOrDer: string | Uint8Array, label: string, bytesMax: number): Uint8Array {
  if (typeof pemOrDer !== 'string') return pemOrDer;
  if (pemOrDer.length > bytesMax * 1.5 + 128) throw new DerError(`has more than ${bytesMax} bytes`);
  const [block, ...others] = decodePem(pemOrDer);
  if (block === undefined || others.length > 0 || block.label !== label) {
    throw new DerError(`is not one PEM block with the label ${label}`);
  }
  return block.der;
}
