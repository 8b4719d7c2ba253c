/** Where the checkouts are, from the environment; absent if that suite is not asked for. */
export interface SuitesEnv {
  readonly opossum: string | undefined;
  readonly cockatiel: string | undefined;
}

export function readEnv(env: NodeJS.ProcessEnv): SuitesEnv {
  return { opossum: env['LENO_OPOSSUM'], cockatiel: env['LENO_COCKATIEL'] };
}
