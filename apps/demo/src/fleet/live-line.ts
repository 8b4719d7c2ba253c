import type { LoadCounts } from '../load/load-generator.ts';
import type { DemoReport } from './report.ts';

/** One line about the last period: what visitors got, and how fast. */
export function renderLive(before: LoadCounts, now: LoadCounts, periodS: number): string {
  const requests = now.requests - before.requests;
  const failures = now.failures - before.failures;
  const success = requests === 0 ? 100 : 100 * (1 - failures / requests);
  return [
    `${(requests / periodS).toFixed(0).padStart(4)} requests/s`,
    `${success.toFixed(2)} % ok`,
    `p50 ${milliseconds(now.p50Ms)}`,
    `p99 ${milliseconds(now.p99Ms)}`,
    `${now.requests} in all, ${now.failures} failed`,
  ].join('   ');
}

/** The table at the end: every edge as both of its ends counted it. */
export function renderReport(report: DemoReport): string {
  const rows = report.details.edges.map((it) => {
    const versions = Object.entries(it.byVersion).map(([name, count]) => `${name} ${count}`);
    const mtls = it.kind === 'mesh' ? String(it.overMtls) : '-';
    const spread = versions.length > 1 ? versions.join(', ') : '';
    return [it.source, it.target, it.called, it.received, mtls, it.failures, spread].map(String);
  });
  const head = ['SOURCE', 'TARGET', 'CALLED', 'RECEIVED', 'MTLS', 'FAILED', 'VERSIONS'];
  const verdict = report.healthy ? 'healthy' : `NOT HEALTHY\n  ${report.problems.join('\n  ')}`;
  return [
    ...table([head, ...rows]),
    '',
    `${report.requests} requests of visitors, ${report.failures} failed, p50 ${report.p50Ms} ms, ` +
      `p99 ${report.p99Ms} ms`,
    `${report.details.hopRequests} requests between services, ${report.details.hopFailures} failed, ` +
      `${report.details.retries} retries, ${(report.mtlsRatio * 100).toFixed(2)} % over mTLS`,
    `${report.proxies} proxies, config v${report.configVersion}, converged: ${report.converged}`,
    verdict,
  ].join('\n');
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function milliseconds(value: number): string {
  return Number.isNaN(value) ? '-' : `${value.toFixed(1)} ms`;
}
