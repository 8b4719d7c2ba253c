export { applyHeaderEdit, type EditableHeaders } from './header-edit.ts';
export { pickBackend } from './pick-backend.ts';
export type { RouteMatchResult, RouteQuestion } from './question.ts';
export type {
  HeaderEdit,
  RouteBackend,
  RouteFilter,
  RouteInput,
  RouteMatch,
  RouteRetry,
  RouteRule,
  RouteTimeouts,
  ValueCondition,
} from './route.ts';
export { compileRoutes, RouteTable } from './route-table.ts';
export { visibleRoutes } from './visible-routes.ts';
