import type { JSX } from 'preact';
import { count } from '../format.ts';

interface Part {
  readonly version: string;
  readonly requestCount: number;
}

const barWidth = 72;

/** How requests were split among versions: a bar in whose parts the versions stand in order, and the figures. */
export function Split({ parts }: { readonly parts: readonly Part[] }): JSX.Element | null {
  const total = parts.reduce((sum, part) => sum + part.requestCount, 0);
  const ordered = [...parts].sort((a, b) =>
    a.version.localeCompare(b.version, 'en', { numeric: true }),
  );
  if (total === 0) return null;
  let left = 0;
  const shares = ordered.map((part, index) => {
    const width = (part.requestCount / total) * barWidth;
    const share = { ...part, index: index % 5, left, width };
    left += width;
    return share;
  });
  const text = shares.map((it) => `${it.version} ${percentOf(it.requestCount, total)}`).join(' · ');
  const title = shares.map((it) => `${it.version}: ${count(it.requestCount)} requests`).join('\n');
  return (
    <span class="split" title={title}>
      {shares.length > 1 && (
        <svg viewBox={`0 0 ${barWidth} 8`} width={barWidth} height="8" aria-hidden="true">
          {shares.map((it) => (
            <rect
              key={it.version}
              class={`part-${it.index}`}
              x={it.left}
              width={Math.max(0, it.width - 1)}
              height="8"
              rx="1.5"
            />
          ))}
        </svg>
      )}
      <span>{text}</span>
    </span>
  );
}

function percentOf(part: number, total: number): string {
  return `${Math.round((part / total) * 100)}%`;
}
