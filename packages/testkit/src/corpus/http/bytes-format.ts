/** Octets as corpora write them: characters up to U+00FF, parts of them repeated. */
import * as z from 'zod';

/** Each character is one octet. */
export const Latin1 = z.string().refine(isLatin1, 'a character above U+00FF is no octet');

const Part = z.union([Latin1, z.strictObject({ repeat: Latin1, times: z.int().min(1) })]);

/** A string, or parts that are joined. */
export const Bytes = z.union([Latin1, z.array(Part).min(1)]);
export type Bytes = z.output<typeof Bytes>;

/** The octets that are meant. */
export function octetsOf(bytes: Bytes): Buffer {
  const parts = typeof bytes === 'string' ? [bytes] : bytes;
  const texts = parts.map((part) =>
    typeof part === 'string' ? part : part.repeat.repeat(part.times),
  );
  return Buffer.from(texts.join(''), 'latin1');
}

function isLatin1(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) > 0xff) return false;
  return true;
}
