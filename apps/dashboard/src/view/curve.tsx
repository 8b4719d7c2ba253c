import type { JSX } from 'preact';

const width = 120;
const height = 28;

/** A small curve of the last values, from zero. Decoration: the figure beside it says the newest. */
export function Curve({ values }: { readonly values: readonly number[] }): JSX.Element {
  const top = Math.max(...values, 1e-9);
  const step = width / Math.max(1, values.length - 1);
  const points = values.map(
    (value, index) =>
      `${(index * step).toFixed(1)},${(height - 2 - (value / top) * (height - 4)).toFixed(1)}`,
  );
  const isDrawn = values.length > 1;
  return (
    <svg
      class="curve"
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      {isDrawn && <polygon points={`0,${height} ${points.join(' ')} ${width},${height}`} />}
      {isDrawn && <polyline points={points.join(' ')} />}
    </svg>
  );
}
