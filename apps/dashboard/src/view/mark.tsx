import type { ComponentChildren, JSX } from 'preact';

/** How a thing stands. Each has a sign and a word of its own: colour alone says nothing to some. */
export type Tone = 'good' | 'warn' | 'bad' | 'idle';

const signs: Readonly<Record<Tone, string>> = { good: '√', warn: '‼', bad: '×', idle: '·' };

interface MarkProps {
  readonly tone: Tone;
  readonly children: ComponentChildren;
  readonly title?: string;
}

/** A word with a sign and a colour before it. */
export function Mark({ tone, children, title }: MarkProps): JSX.Element {
  return (
    <span class={`mark ${tone}`} title={title}>
      <span class="sign" aria-hidden="true">
        {signs[tone]}
      </span>
      {children}
    </span>
  );
}

/** How well a share of successes stands. */
export function toneOfRatio(ratio: number | null): Tone {
  if (ratio === null) return 'idle';
  if (ratio >= 0.999) return 'good';
  return ratio >= 0.99 ? 'warn' : 'bad';
}

/** The lock of an edge: closed, open, or open for some of the requests. */
export function Lock({ ratio }: { readonly ratio: number | null }): JSX.Element {
  const tone = ratio === null ? 'idle' : ratio >= 1 ? 'good' : ratio > 0 ? 'warn' : 'bad';
  const words = {
    good: 'mutual TLS on every request',
    warn: 'mutual TLS on some of the requests only',
    bad: 'plaintext: no mutual TLS',
    idle: 'no request in the window',
  };
  return (
    <span class={`lock ${tone}`} role="img" aria-label={words[tone]} title={words[tone]}>
      <svg viewBox="0 0 16 16" width="15" height="15" aria-hidden="true">
        <rect x="2.5" y="7" width="11" height="7.5" rx="1.8" fill="currentColor" />
        <path
          d={tone === 'good' ? 'M5 7V4.800a3 3 0 0 1 6 0V7' : 'M5 7V4.300a3 3 0 0 1 5.8-1'}
          fill="none"
          stroke="currentColor"
          stroke-width="1.6"
          stroke-linecap="round"
        />
      </svg>
      <span aria-hidden="true">{signs[tone]}</span>
    </span>
  );
}
