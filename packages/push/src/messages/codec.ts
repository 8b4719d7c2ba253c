/**
 * Messages to text and back. What comes in is checked for size, depth, forbidden keys and then by
 * the strict schema of its kind; a fault says where it is, and carries what is needed to answer the
 * sender: the nonce of a config message, the reference of a request.
 */
import { err, ok, type Result } from '@leno/std';
import type * as z from 'zod';
import { Ack, type ClientMessage, Csr, Hello, Leave, Resync, Stat } from './client-messages.ts';
import { LeaseDrop, LeaseRegister, LeaseRenew } from './lease.ts';
import {
  ErrorMessage,
  LeftMessage,
  Mark,
  type ServerMessage,
  Snapshot,
  SvidMessage,
  Welcome,
} from './server-messages.ts';
import { shapeFault } from './shape.ts';

/** The WebSocket subprotocol. */
export const subprotocol = 'leno.config.v1';

/** Why a text is no message. */
export interface DecodeFault {
  readonly code:
    | 'TOO_BIG'
    | 'NOT_JSON'
    | 'TOO_DEEP'
    | 'FORBIDDEN_KEY'
    | 'UNKNOWN_MESSAGE'
    | 'INVALID';
  /** Where, as a JSON pointer; empty for the whole. */
  readonly path: string;
  readonly msg: string;
  /** The kind of message that it wanted to be; empty if it did not say. */
  readonly t: string;
  /** What an `error` that answers it has to name. */
  readonly ref: string;
  /** Of a config message whose number could be read: it can be answered by an `ack`. */
  readonly nonce?: number;
}

/** Why a message cannot be sent: it has more bytes than the bound. */
export interface EncodeFault {
  readonly code: 'TOO_BIG';
  readonly msg: string;
}

type Schemas = Readonly<Record<string, z.ZodType>>;

const clientSchemas: Schemas = {
  hello: Hello,
  ack: Ack,
  resync: Resync,
  csr: Csr,
  stat: Stat,
  leave: Leave,
};
const serverSchemas: Schemas = {
  welcome: Welcome,
  snapshot: Snapshot,
  mark: Mark,
  svid: SvidMessage,
  left: LeftMessage,
  error: ErrorMessage,
};

/** Reads what a proxy said. `bytesMax` bounds the text. */
export function decodeClientMessage(
  text: string,
  bytesMax: number,
): Result<ClientMessage, DecodeFault> {
  return decode(text, bytesMax, clientSchemas) as Result<ClientMessage, DecodeFault>;
}

/** Reads what a control plane said. `bytesMax` bounds the text. */
export function decodeServerMessage(
  text: string,
  bytesMax: number,
): Result<ServerMessage, DecodeFault> {
  return decode(text, bytesMax, serverSchemas) as Result<ServerMessage, DecodeFault>;
}

function decode(text: string, bytesMax: number, schemas: Schemas): Result<unknown, DecodeFault> {
  const nothing = { path: '', t: '', ref: 'message' } as const;
  if (exceeds(text, bytesMax)) {
    return err({ ...nothing, code: 'TOO_BIG', msg: `more than ${String(bytesMax)} bytes` });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return err({ ...nothing, code: 'NOT_JSON', msg: 'not a JSON text' });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return err({ ...nothing, code: 'INVALID', msg: 'not a JSON object' });
  }
  const fields = value as Readonly<Record<string, unknown>>;
  const origin = originOf(fields);
  const shape = shapeFault(value);
  if (shape !== undefined) {
    const msg = shape.code === 'TOO_DEEP' ? 'nested deeper than 64' : 'a key that is not allowed';
    return err({ ...origin, ...shape, msg });
  }
  const schema = schemaOf(fields, origin.t, schemas);
  if (schema === undefined) {
    const msg = origin.t === '' ? 'no "t" that names a message' : `unknown message "${origin.t}"`;
    return err({ ...origin, code: 'UNKNOWN_MESSAGE', path: '/t', msg });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  return err({ ...origin, code: 'INVALID', ...firstIssue(parsed.error.issues) });
}

/** A lease has three forms; which one is meant shows in its members, so that faults are precise. */
function schemaOf(
  fields: Readonly<Record<string, unknown>>,
  t: string,
  schemas: Schemas,
): z.ZodType | undefined {
  if (t === 'lease' && schemas === clientSchemas) {
    if ('renew' in fields) return LeaseRenew;
    return 'drop' in fields ? LeaseDrop : LeaseRegister;
  }
  return Object.hasOwn(schemas, t) ? schemas[t] : undefined;
}

function originOf(fields: Readonly<Record<string, unknown>>) {
  const t = typeof fields['t'] === 'string' ? fields['t'].slice(0, 64) : '';
  const { nonce } = fields;
  const origin = { t, ref: refOf(fields, t) };
  const isNumbered = typeof nonce === 'number' && Number.isSafeInteger(nonce) && nonce >= 1;
  return isNumbered ? { ...origin, nonce } : origin;
}

function refOf(fields: Readonly<Record<string, unknown>>, t: string): string {
  const instance = fields['instance'];
  const inner =
    typeof instance === 'object' && instance !== null && 'id' in instance ? instance.id : instance;
  const id = { csr: fields['id'], leave: instance, lease: inner }[t];
  const text = typeof id === 'string' ? id : (fields['renew'] ?? fields['drop']);
  if (t === 'hello') return 'hello';
  return typeof text === 'string' && text !== '' ? `${t}:${text}`.slice(0, 300) : 'message';
}

function firstIssue(issues: readonly z.core.$ZodIssue[]): { path: string; msg: string } {
  const issue = issues[0];
  if (issue === undefined) return { path: '', msg: 'invalid' };
  const path = issue.path.map((step) => `/${String(step)}`).join('');
  const more = issues.length > 1 ? ` (and ${String(issues.length - 1)} more)` : '';
  return { path: path.slice(0, 512), msg: `${issue.message}${more}`.slice(0, 1_000) };
}

/**
 * The text of a message, or a fault if it has more than `bytesMax` bytes. The resources of a
 * snapshot are turned into text once for all the sessions that share the array.
 */
export function encodeMessage(
  message: ClientMessage | ServerMessage,
  bytesMax: number,
): Result<string, EncodeFault> {
  const text = message.t === 'snapshot' ? snapshotText(message) : JSON.stringify(message);
  if (!exceeds(text, bytesMax)) return ok(text);
  return err({ code: 'TOO_BIG', msg: `${message.t} has more than ${String(bytesMax)} bytes` });
}

const resourceTexts = new WeakMap<readonly unknown[], string>();

function snapshotText(snapshot: Snapshot): string {
  const { resources, ...head } = snapshot;
  let text = resourceTexts.get(resources);
  if (text === undefined) {
    text = JSON.stringify(resources);
    resourceTexts.set(resources, text);
  }
  return `${JSON.stringify(head).slice(0, -1)},"resources":${text}}`;
}

/** A UTF-16 unit takes 1 to 3 bytes in UTF-8, so that most texts need no counting. */
function exceeds(text: string, bytesMax: number): boolean {
  if (text.length * 3 <= bytesMax) return false;
  return text.length > bytesMax || new TextEncoder().encode(text).length > bytesMax;
}
