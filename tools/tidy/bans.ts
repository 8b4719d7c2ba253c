import type { Case, Cases } from './bans/case.ts';
import { importsBans } from './bans/imports.ts';
import { styleBans } from './bans/style.ts';
import { workspaceBans } from './bans/workspace.ts';
import type { RuleName } from './rules.ts';

const all: Cases = { ...importsBans, ...styleBans, ...workspaceBans };

/** Every case by the rule that it breaks. */
export const bans: readonly (Case & { readonly rule: RuleName })[] = Object.entries(all).flatMap(
  ([rule, cases]) => cases.map((it) => ({ ...it, rule: rule as RuleName })),
);
