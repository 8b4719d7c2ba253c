import { render } from 'preact';
import { start } from './live/state.ts';
import { applyTheme } from './live/theme.ts';
import { Page } from './view/page.tsx';

const root = document.getElementById('app');
if (root !== null) render(<Page />, root);
applyTheme();
start();

/** `/` goes to the filter, as in other tools; not while something is being written. */
addEventListener('keydown', (event) => {
  const isWriting = event.target instanceof HTMLInputElement;
  if (event.key !== '/' || isWriting || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  document.getElementById('find')?.focus();
});
