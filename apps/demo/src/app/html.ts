/** Markup that is known to be safe. */
export interface Html {
  readonly markup: string;
}

type Piece = Html | string | number | readonly Html[];

/** Template for markup: everything that is put in is escaped, unless it is markup itself. */
export function html(strings: TemplateStringsArray, ...pieces: readonly Piece[]): Html {
  const markup = strings.map((text, index) => text + render(pieces[index])).join('');
  return { markup };
}

function render(piece: Piece | undefined): string {
  if (piece === undefined) return '';
  if (typeof piece === 'string' || typeof piece === 'number') return escapeHtml(String(piece));
  return 'markup' in piece ? piece.markup : piece.map((it) => it.markup).join('');
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (it) => `&#${it.charCodeAt(0)};`);
}
