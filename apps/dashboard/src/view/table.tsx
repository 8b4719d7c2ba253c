import { type Signal, useSignal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';

/** A column: what it shows of a row, and by what it sorts. */
export interface Column<Row> {
  readonly title: string;
  /** What the title means, where it needs saying. */
  readonly hint?: string;
  readonly cell: (row: Row) => ComponentChildren;
  /** Absent: the column does not sort. */
  readonly by?: (row: Row) => string | number;
  readonly isNumber?: boolean;
}

export interface TableProps<Row> {
  readonly id: string;
  readonly title: string;
  readonly note?: ComponentChildren;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  /** Shown below a row, over its whole width. */
  readonly detail?: (row: Row) => ComponentChildren;
  readonly empty: ComponentChildren;
}

interface Order {
  readonly title: string;
  readonly isDown: boolean;
}

/** A table with a heading, sorted by a click or Enter on a column; scrolls by itself when narrow. */
export function Table<Row>(props: TableProps<Row>): JSX.Element {
  const order = useSignal<Order | undefined>(undefined);
  const { id, title, note, columns, keyOf } = props;
  const rows = sorted(props.rows, columns, order.value);
  return (
    <section class="panel" aria-labelledby={id}>
      <header class="panel-head">
        <h2 id={id}>{title}</h2>
        <span class="note">{note}</span>
      </header>
      {rows.length === 0 ? (
        <p class="empty">{props.empty}</p>
      ) : (
        // A region that scrolls must be reachable by keyboard.
        <div class="scroll" tabIndex={0} role="region" aria-labelledby={id}>
          <table>
            <thead>
              <tr>
                {columns.map((column) => (
                  <Head key={column.title} column={column} order={order} />
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <Body key={keyOf(row)} row={row} columns={columns} detail={props.detail?.(row)} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

interface HeadProps<Row> {
  readonly column: Column<Row>;
  readonly order: Signal<Order | undefined>;
}

function Head<Row>({ column, order }: HeadProps<Row>): JSX.Element {
  const { title, hint, by, isNumber = false } = column;
  const mine = order.value?.title === title ? order.value : undefined;
  const sort = mine === undefined ? 'none' : mine.isDown ? 'descending' : 'ascending';
  const turn = () => {
    // Numbers are asked for the largest first, names for A first; the third time restores the order.
    if (mine === undefined) order.value = { title, isDown: isNumber };
    else order.value = mine.isDown === isNumber ? { title, isDown: !isNumber } : undefined;
  };
  const className = isNumber ? 'number' : undefined;
  if (by === undefined) {
    return (
      <th scope="col" class={className} title={hint}>
        {title}
      </th>
    );
  }
  return (
    <th scope="col" class={className} aria-sort={sort} title={hint}>
      <button type="button" class="sort" onClick={turn}>
        {title}
        <span class="arrow" aria-hidden="true">
          {mine === undefined ? '' : mine.isDown ? '↓' : '↑'}
        </span>
      </button>
    </th>
  );
}

interface BodyProps<Row> {
  readonly row: Row;
  readonly columns: readonly Column<Row>[];
  readonly detail: ComponentChildren;
}

function Body<Row>({ row, columns, detail }: BodyProps<Row>): JSX.Element {
  const hasDetail = detail !== undefined && detail !== null;
  return (
    <>
      <tr class={hasDetail ? 'with-detail' : undefined}>
        {columns.map((column, index) =>
          index === 0 ? (
            <th key={column.title} scope="row">
              {column.cell(row)}
            </th>
          ) : (
            <td key={column.title} class={column.isNumber === true ? 'number' : undefined}>
              {column.cell(row)}
            </td>
          ),
        )}
      </tr>
      {hasDetail && (
        <tr class="detail">
          <td colSpan={columns.length}>{detail}</td>
        </tr>
      )}
    </>
  );
}

function sorted<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  order: Order | undefined,
): readonly Row[] {
  const by = columns.find((it) => it.title === order?.title)?.by;
  if (order === undefined || by === undefined) return rows;
  const sign = order.isDown ? -1 : 1;
  return [...rows].sort((a, b) => sign * compare(by(a), by(b)));
}

function compare(a: string | number, b: string | number): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a).localeCompare(String(b), 'en', { numeric: true });
}
