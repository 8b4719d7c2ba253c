import { cycles } from './rules/cycles.ts';
import { documents, parses } from './rules/documents.ts';
import { docstrings, errorCodes } from './rules/exports.ts';
import { declared, indexes, layers, relative } from './rules/imports.ts';
import {
  fileLines,
  leftovers,
  lintLimits,
  machinePaths,
  processEdges,
  testMarks,
} from './rules/style.ts';
import {
  catalog,
  compilerFlags,
  pinnedImages,
  publicClosure,
  readmes,
  testingStays,
} from './rules/workspace.ts';
import type { Rule } from './tree.ts';

/** Every rule by the name under which it is reported. */
export const rules = {
  layers,
  declared,
  relative,
  indexes,
  cycles,
  fileLines,
  lintLimits,
  leftovers,
  testMarks,
  processEdges,
  machinePaths,
  docstrings,
  errorCodes,
  catalog,
  readmes,
  publicClosure,
  testingStays,
  pinnedImages,
  compilerFlags,
  documents,
  parses,
} satisfies Record<string, Rule>;

export type RuleName = keyof typeof rules;
