/** What became of a case. */
export type Verdict =
  | { readonly verdict: 'PASS' }
  | { readonly verdict: 'FAIL' | 'SKIP'; readonly reason: string };

/** Passed, unless there is a problem. */
export function verdictOf(problem: string | undefined): Verdict {
  return problem === undefined ? { verdict: 'PASS' } : { verdict: 'FAIL', reason: problem };
}
