import type { Filters } from './executable-policy.ts';

type Constructor<T> = new (...args: never[]) => T;

function typeFilter<T>(
  type: Constructor<T>,
  predicate: (it: T) => boolean = () => true,
): (it: unknown) => boolean {
  return (it) => it instanceof type && predicate(it);
}

/** Which endings a policy acts upon. */
export class HandledEndings {
  readonly options: Filters;

  constructor(options: Filters) {
    this.options = options;
  }

  orType<T>(type: Constructor<T>, predicate?: (error: T) => boolean): HandledEndings {
    return this.orWhen(typeFilter(type, predicate));
  }

  orWhen(predicate: (error: unknown) => boolean): HandledEndings {
    const { errorFilter } = this.options;
    return this.#with({ errorFilter: (error) => errorFilter(error) || predicate(error) });
  }

  orResultType<T>(type: Constructor<T>, predicate?: (result: T) => boolean): HandledEndings {
    return this.orWhenResult(typeFilter(type, predicate));
  }

  orWhenResult(predicate: (result: unknown) => boolean): HandledEndings {
    const { resultFilter } = this.options;
    return this.#with({ resultFilter: (result) => resultFilter(result) || predicate(result) });
  }

  #with(filters: Partial<Filters>): HandledEndings {
    return new HandledEndings({ ...this.options, ...filters });
  }
}

const none = new HandledEndings({ errorFilter: () => false, resultFilter: () => false });

export const handleAll = none.orWhen(() => true);
export const handleWhen = (predicate: (error: unknown) => boolean): HandledEndings =>
  none.orWhen(predicate);
export const handleWhenResult = (predicate: (result: unknown) => boolean): HandledEndings =>
  none.orWhenResult(predicate);

export function handleType<T>(
  type: Constructor<T>,
  predicate?: (error: T) => boolean,
): HandledEndings {
  return none.orType(type, predicate);
}

export function handleResultType<T>(
  type: Constructor<T>,
  predicate?: (result: T) => boolean,
): HandledEndings {
  return none.orResultType(type, predicate);
}
