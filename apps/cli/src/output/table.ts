/** Columns of text, as wide as they must be; the last one runs free. */

/** How a value is shown: `table` and `wide` for people, the others for programs. */
export const outputForms = ['table', 'wide', 'json', 'yaml', 'name'] as const;
export type OutputForm = (typeof outputForms)[number];

/** One column: its heading and how to get its text out of a row. */
export interface Column<Row> {
  readonly heading: string;
  readonly text: (row: Row) => string;
  /** Only in the wide form. */
  readonly wide?: boolean;
  readonly align?: 'left' | 'right';
}

/** Lays the rows out. Without rows only the headings stand. */
export function renderTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  form: OutputForm = 'table',
): string {
  const shown = columns.filter((column) => form === 'wide' || column.wide !== true);
  const cells = rows.map((row) => shown.map((column) => column.text(row)));
  const widths = shown.map((column, index) =>
    Math.max(column.heading.length, ...cells.map((line) => visibleLength(line[index] ?? ''))),
  );
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, index) => pad(text, widths[index] ?? 0, shown[index]?.align ?? 'left'))
      .join('  ')
      .trimEnd();
  return [line(shown.map((column) => column.heading)), ...cells.map(line)].join('\n');
}

/** `5h 3m`, `14m`, `32s`: two parts at most. */
export function renderAge(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours}h ${minutes % 60}m`;
  return `${Math.floor(hours / 24)}d`;
}

const escapes = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');

function visibleLength(text: string): number {
  return text.replace(escapes, '').length;
}

function pad(text: string, width: number, align: 'left' | 'right'): string {
  const space = ' '.repeat(Math.max(0, width - visibleLength(text)));
  return align === 'right' ? space + text : text + space;
}
