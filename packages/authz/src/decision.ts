/** What came of a question, and why. */
export interface AccessDecision {
  readonly decision: 'allow' | 'deny';
  /** The policy that decided; '' where none did, but that there are none, or that none allows. */
  readonly policy: string;
  /** The rule of it, by name or place; '' where there is none. */
  readonly rule: string;
  /** One sentence for an operator. */
  readonly why: string;
  /** A policy on trial would have denied it. */
  readonly wouldDeny?: { readonly policy: string; readonly rule: string } | undefined;
  /** The first AUDIT rule that matched. */
  readonly audited?: { readonly policy: string; readonly rule: string } | undefined;
}
