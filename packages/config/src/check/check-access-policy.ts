/** What can be said of an access policy alone, beyond its schema. */
import type { Fault, Path } from '../findings/finding.ts';
import type { AccessPolicy } from '../kinds/access-policy.ts';

/** Paths of rules that no request can have, since proxies refuse what has two readings. */
export function checkAccessPolicy(policy: AccessPolicy): readonly Fault[] {
  return policy.spec.rules.flatMap((rule, ruleIndex) =>
    (rule.to?.paths ?? []).flatMap((condition, index): readonly Fault[] => {
      const field = 'exact' in condition ? 'exact' : 'prefix';
      const value = 'exact' in condition ? condition.exact : condition.prefix;
      const wrong = wrongPath(value);
      if (wrong === undefined) return [];
      const path: Path = ['spec', 'rules', ruleIndex, 'to', 'paths', index, field];
      const message = `${JSON.stringify(value)} can match no request: ${wrong}`;
      return [{ code: 'LN0107', path, message, value }];
    }),
  );
}

function wrongPath(value: string): string | undefined {
  if (!value.startsWith('/')) return 'it does not start with /';
  if (/[?#]/.test(value)) return 'it holds a query or a fragment';
  if (value.includes('//')) return 'it holds an empty segment';
  if (/[;\\]|%(2f|5c|3b|[01][0-9a-f]|7f)/i.test(value)) return 'it holds what is refused in paths';
  if (/%(?![0-9a-f]{2})/i.test(value)) return 'it holds an escape without two digits';
  return /\/(\.|%2e){1,2}(\/|$)/i.test(value) ? 'it holds a segment . or ..' : undefined;
}
