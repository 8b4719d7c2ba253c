import type { AccessDecision } from '@leno/authz';
import type { Peer } from '@leno/http';
import type { InboundAccess } from './inbound-access.ts';

/** What came of asking whether somebody may call; `detail` is for the operator. */
export type AccessVerdict =
  | { readonly kind: 'allowed'; readonly decision: AccessDecision | undefined }
  | {
      readonly kind: 'refused';
      readonly reason: 'denied' | 'unauthenticated' | 'bad-request';
      readonly detail: string;
      readonly decision: AccessDecision | undefined;
    };

/** A verdict against the caller. */
export function refusal(
  reason: 'denied' | 'unauthenticated' | 'bad-request',
  detail: string,
  decision?: AccessDecision,
): AccessVerdict {
  return { kind: 'refused', reason, detail, decision };
}

// Decisions stand ready, and one of them comes again and again: its verdict need not be made anew.
let latest: AccessVerdict = { kind: 'allowed', decision: undefined };

/** The verdict that a decision is. */
export function verdictOf(decision: AccessDecision): AccessVerdict {
  if (latest.decision !== decision) {
    latest =
      decision.decision === 'allow'
        ? { kind: 'allowed', decision }
        : refusal('denied', decision.why, decision);
  }
  return latest;
}

/** What holds whatever is asked: no config, and plaintext where only mTLS is taken. */
export function atTheDoor(
  access: InboundAccess,
  permissive: boolean,
  peer: Peer,
): AccessVerdict | undefined {
  if (access.closedBecause !== undefined) return refusal('denied', access.closedBecause);
  if (peer.transport === 'mtls' || permissive) return undefined;
  return refusal('unauthenticated', 'this service takes mTLS only');
}
