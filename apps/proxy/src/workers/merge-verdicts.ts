import type { Applied } from '@leno/dataplane';

/**
 * What several workers say of one view. They are of one build and have the same before them, so they
 * agree; where they do not, one of them cannot run it, and then none may.
 */
export function mergeVerdicts(verdicts: readonly [Applied, ...Applied[]]): Applied {
  const [first] = verdicts;
  if (verdicts.every(({ status }) => status === first.status)) return first;
  const worst = verdicts.find(({ status }) => status === 'rejected');
  const refusing = worst ?? verdicts.find(({ status }) => status === 'partial') ?? first;
  return { status: 'rejected', errors: refusing.errors };
}
