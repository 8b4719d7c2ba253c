import { expect, test } from 'vitest';
import {
  errorsOf,
  haveOf,
  namesOf,
  readTranscripts,
  revisionText,
  type TranscriptLine,
  viewOf,
} from '../../test/transcript.ts';
import type { ClientMessage } from '../messages/client-messages.ts';
import type { ServerMessage } from '../messages/server-messages.ts';
import type { ApplyResult } from '../messages/view.ts';
import { createServerState, serverStep } from './server-step.ts';
import type { ServerEffect, ServerEvent, SessionOptions } from './session-state.ts';

const options: SessionOptions = {
  session: 'x',
  server: 'y',
  role: 'member',
  heartbeatMs: 10_000,
  ackTimeoutMs: 10_000,
  requestCountMax: 2,
  leaseCountMax: 2,
  statsPerSecond: 2,
  expiresAtMs: Number.POSITIVE_INFINITY,
};
const roles: Readonly<Record<string, Partial<SessionOptions>>> = {
  joining: { role: 'joining' },
  expiring: { expiresAtMs: 7_000 },
};

test.each(readTranscripts('server.txt'))('$name', ({ lines }) => {
  let state = createServerState(options, { nowMs: 0, random: 0.5 });
  const played: string[] = [];
  for (const line of lines) {
    const [head, role = ''] = line.words;
    if (head === 'role') {
      state = createServerState({ ...options, ...roles[role] }, { nowMs: 0, random: 0.5 });
      played.push(`${line.words.join(' ')} -> `);
      continue;
    }
    const [next, effects] = serverStep(state, eventOf(line));
    state = next;
    played.push(`${line.words.join(' ')} -> ${effects.map(effectText).join('; ')}`);
  }
  expect(played).toEqual(lines.map((it) => `${it.words.join(' ')} -> ${it.expected}`));
});

function eventOf({ words, atMs, source }: TranscriptLine): ServerEvent {
  const moment = { nowMs: atMs, random: 0.5 };
  const [kind = '', first = '', second = '', third = ''] = words;
  switch (kind) {
    case 'heard':
    case 'tick':
      return { ...moment, kind };
    case 'admit':
    case 'view':
      return { ...moment, kind, view: first === 'none' ? undefined : viewOf(words.slice(1)) };
    case 'refuse':
      return { ...moment, kind, refusal: { code: 'DENIED', msg: 'no' } };
    case 'malformed': {
      const ref = first === 'lease' ? 'lease:i' : 'message';
      const fault = { code: 'INVALID', path: '/x', msg: 'bad', t: first, ref } as const;
      return { ...moment, kind, fault };
    }
    case 'answer':
      return { ...moment, kind, ref: first, message: answerOf(second, third) };
    default:
      return { ...moment, kind: 'message', message: messageOf(words, source) };
  }
}

function messageOf(words: readonly string[], source: string): ClientMessage {
  const [head = '', id = '', ...rest] = words;
  const [t = '', number] = head.split('#');
  const nonce = Number(number);
  const node = { id: 'n', service: 's', ns: 'default', labels: {}, build: 'test' };
  switch (t) {
    case 'hello': {
      const have = haveOf(words.slice(1));
      return { t, proto: 1, node, have, sub: [], caps: [], lkgAgeMs: 0 };
    }
    case 'ack': {
      const at = rest.findIndex((it) => !it.includes('@'));
      const status = (at < 0 ? 'applied' : rest[at]) as ApplyResult['status'];
      const have = viewOf([id, ...(at < 0 ? rest : rest.slice(0, at))]);
      const { epoch, version, digest } = have;
      const errors = at < 0 ? [] : errorsOf(rest.slice(at + 1));
      return { t, nonce, epoch, version, digest, status, errors, applyMs: 1 };
    }
    case 'resync':
      return { t, nonce, reason: 'digest', have: null };
    case 'lease': {
      const where = { address: '127.0.0.1', port: 80, weight: 1 };
      const how = { health: 'ready', transport: 'mtls', labels: {} } as const;
      return { t, instance: { id, service: 's', ns: 'default', ...where, ...how }, ttlMs: 6_000 };
    }
    case 'renew':
      return { t: 'lease', renew: id };
    case 'drop':
      return { t: 'lease', drop: id };
    case 'csr':
      return { t, id, pem: 'pem' };
    case 'leave':
      return { t, instance: id };
    case 'stat':
      return { t, body: {} };
    default:
      throw new Error(`what does this mean: ${source}`);
  }
}

function answerOf(t: string, id: string): Extract<ServerEvent, { kind: 'answer' }>['message'] {
  if (t === 'svid') return { t, id, chain: ['c'], bundle: ['b'], notAfter: 1 };
  if (t === 'left') return { t, instance: id, acked: 1, late: [] };
  return { t: 'error', ref: id, code: 'DENIED', msg: 'no' };
}

function effectText(effect: ServerEffect): string {
  switch (effect.kind) {
    case 'send':
      return messageText(effect.message);
    case 'close':
      return `close ${String(effect.code)}`;
    case 'acked':
      return `acked ${effect.ack.status}`;
    case 'lease':
      return `lease ${effect.lease.kind}`;
    case 'csr':
      return `csr ${effect.id}`;
    case 'leave':
      return `leave ${effect.instance}`;
    case 'fence':
      return `fence ${String(effect.epoch)}`;
    case 'count':
      return `count ${effect.counter}`;
    default:
      return effect.kind;
  }
}

function messageText(message: ServerMessage): string {
  switch (message.t) {
    case 'welcome':
      return `welcome ${message.mode} ${String(message.epoch)}.${String(message.head)}`;
    case 'snapshot': {
      const { nonce, resources, held } = message;
      const kept = held === undefined ? '' : ` held ${namesOf(held)}`;
      const names = namesOf(resources);
      return `snapshot#${String(nonce)} ${revisionText(message)} ${names}${kept}`;
    }
    case 'mark':
      return `mark ${revisionText(message)}`;
    case 'error':
      return `error ${message.ref} ${message.code}`;
    case 'svid':
      return `svid ${message.id}`;
    default:
      return `left ${message.instance}`;
  }
}
