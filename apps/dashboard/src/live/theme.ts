import { effect, signal } from '@preact/signals';

/** What the system says, or what the reader chose. */
export type Theme = 'system' | 'light' | 'dark';

const key = 'leno-theme';
const order: readonly Theme[] = ['system', 'light', 'dark'];

export const theme = signal<Theme>(stored());

/** Goes to the next of system, light, dark. */
export function nextTheme(): void {
  theme.value = order[(order.indexOf(theme.value) + 1) % order.length] ?? 'system';
}

/** Puts the theme on the document, now and whenever it changes, and remembers it. */
export function applyTheme(): void {
  effect(() => {
    document.documentElement.dataset['theme'] = theme.value;
    try {
      localStorage.setItem(key, theme.value);
    } catch {
      // A browser that stores nothing shows the system's theme next time.
    }
  });
}

function stored(): Theme {
  try {
    return order.find((it) => it === localStorage.getItem(key)) ?? 'system';
  } catch {
    return 'system';
  }
}
