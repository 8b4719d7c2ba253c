/**
 * Inbound HTTP: who calls, by the certificate, or by the word of a forwarder that is trusted; what is
 * called, by the path in its one spelling. The path that is decided on is the one that is forwarded.
 */
import { type AccessQuestion, type HttpQuestion, normalizePath } from '@leno/authz';
import type { FieldList, Peer } from '@leno/http';
import type { RuntimeTable } from '../table/runtime-table.ts';
import { pathOf } from '../target.ts';
import { type AccessVerdict, atTheDoor, refusal, verdictOf } from './verdict.ts';

/** One request, as far as access asks about it. */
export interface AccessSubject {
  readonly peer: Peer;
  /** The SPIFFE id for whom a trusted forwarder calls; '' if it says so in a way that is not clear. */
  readonly speaksFor: string | undefined;
  readonly method: string;
  readonly authority: string;
  readonly fields: FieldList;
  /** Path and query as they are forwarded; brought to one spelling where policies ask for paths. */
  target: string;
}

/** The one question that is asked again and again: nothing is made for a request. */
class Question implements AccessQuestion, HttpQuestion {
  identity: string | undefined;
  address = '';
  port: number | undefined;
  method = '';
  path = '';
  authority = '';
  fields: FieldList | undefined;

  get http(): HttpQuestion {
    return this;
  }

  headerLines(name: string): readonly string[] {
    return this.fields?.getAll(name) ?? [];
  }
}

const question = new Question();

/** Whether the request may pass. May rewrite `target`. */
export function authorizeRequest(table: RuntimeTable, subject: AccessSubject): AccessVerdict {
  const { access } = table;
  const { peer, speaksFor } = subject;
  const refused = atTheDoor(access, table.permissive, peer);
  if (refused !== undefined) return refused;
  const { asksPaths, hearsPaths } = access.decider;
  const wrong = asksPaths ? straighten(subject) : undefined;
  if (wrong !== undefined) return refusal('bad-request', `its path has two readings: ${wrong}`);
  question.address = peer.address;
  question.port = access.httpPort;
  question.method = subject.method;
  const path = pathOf(subject.target);
  // What was straightened has its one spelling already.
  question.path = hearsPaths && !asksPaths ? heard(path) : path;
  question.authority = subject.authority;
  question.fields = subject.fields;
  question.identity = peer.identity;
  if (speaksFor === '') return refusal('denied', 'its forwarder does not say clearly for whom');
  if (speaksFor !== undefined) {
    // A policy that denies the forwarder itself denies whatever comes through it.
    const own = access.decider.decide(question);
    if (own.decision === 'deny' && own.policy !== '') return verdictOf(own);
    question.identity = speaksFor;
  }
  return verdictOf(access.decider.decide(question));
}

/** Gives the target its one spelling, or says why it has none. */
function straighten(subject: AccessSubject): string | undefined {
  const { target } = subject;
  const path = pathOf(target);
  const normal = normalizePath(path);
  if (normal.kind === 'refused') return normal.why;
  if (normal.path !== path) subject.target = normal.path + target.slice(path.length);
  return undefined;
}

/** For rules that decide nothing: a path with two readings is one that nobody knows. */
function heard(path: string): string {
  const normal = normalizePath(path);
  return normal.kind === 'path' ? normal.path : '';
}
