import type { JSX } from 'preact';
import { shortDigest, span } from '../format.ts';
import type { Status } from '../live/api.ts';
import { filter, frame, link } from '../live/state.ts';
import { nextTheme, theme } from '../live/theme.ts';
import { Mark } from './mark.tsx';

/** The bar at the top: which mesh, which config, whether all have it, whether this page is live. */
export function Header(): JSX.Element {
  const status = frame.value?.status;
  return (
    <header class="bar">
      <div class="brand">
        <Weave />
        <h1>Leno</h1>
        {status !== undefined && <span class="domain">{status.trustDomain}</span>}
      </div>
      {status !== undefined && <Config status={status} />}
      <div class="tools">
        <label class="find">
          <span class="hidden">Show only rows with</span>
          <input
            id="find"
            type="search"
            placeholder="Filter rows   /"
            value={filter.value}
            onInput={(event) => {
              filter.value = event.currentTarget.value;
            }}
          />
        </label>
        <LinkState />
        <button type="button" class="theme" onClick={nextTheme}>
          <span class="hidden">Theme: </span>
          {theme.value}
        </button>
      </div>
    </header>
  );
}

function Config({ status }: { readonly status: Status }): JSX.Element {
  const { head } = status;
  return (
    <div class="config">
      <span class="version" title={`epoch ${head.epoch}, ${head.digest}`}>
        config <b>v{head.version}</b> <code>{shortDigest(head.digest)}</code>
      </span>
      <Convergence status={status} />
    </div>
  );
}

function Convergence({ status }: { readonly status: Status }): JSX.Element {
  const { proxies, convergence } = status;
  if (status.converged) {
    const took = convergence === null ? '' : ` in ${span(convergence.lastMs)}`;
    return <Mark tone="good">converged{took}</Mark>;
  }
  if (proxies.rejected > 0) return <Mark tone="bad">rejected by {proxies.rejected}</Mark>;
  return <Mark tone="warn">{proxies.pending} pending</Mark>;
}

function LinkState(): JSX.Element {
  const { kind } = link.value;
  const tone = kind === 'live' ? 'good' : kind === 'offline' ? 'bad' : 'idle';
  return (
    <span class={`link ${tone}`} role="status">
      <span class="dot" aria-hidden="true" />
      {kind}
    </span>
  );
}

/** Two threads that twist about each other: the weave that gave the name. */
function Weave(): JSX.Element {
  return (
    <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
      <rect class="tile" width="32" height="32" rx="7" />
      <g fill="none" stroke="#fff" stroke-width="2.6" stroke-linecap="round">
        <path d="M10 5c0 5.5 12 5.5 12 11S10 21.5 10 27" />
        <path d="M22 5c0 5.5-12 5.5-12 11s12 5.5 12 11" stroke-opacity=".62" />
      </g>
    </svg>
  );
}
