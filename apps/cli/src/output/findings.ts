import type { Finding } from '../api-client.ts';

/** `LN0204 error route.yaml:9:5 spec.rules[0] … (did you mean …?)`, one line each. */
export function renderFindings(findings: readonly Finding[]): string {
  return findings.map(renderFinding).join('\n');
}

function renderFinding(finding: Finding): string {
  const { code, severity, file, line, column, path, message, hint } = finding;
  const place = [file, line, column].filter((part) => part !== undefined).join(':');
  const parts = [code, severity, place, path, message].filter(
    (part) => part !== undefined && part !== '',
  );
  return `${parts.join('  ')}${hint === undefined ? '' : `  (${hint})`}`;
}
