/** The header filters of a route, applied. */
import type { FieldList } from '@leno/http';
import { applyHeaderEdit, type RouteFilter } from '@leno/routing';

/** Applies the filters that are about the request. */
export function applyRequestFilters(filters: readonly RouteFilter[], fields: FieldList): void {
  for (const filter of filters) {
    if (filter.kind === 'requestHeaders') applyHeaderEdit(filter.edit, fields);
  }
}

/** Applies the filters that are about the reply. */
export function applyResponseFilters(filters: readonly RouteFilter[], fields: FieldList): void {
  for (const filter of filters) {
    if (filter.kind === 'responseHeaders') applyHeaderEdit(filter.edit, fields);
  }
}
