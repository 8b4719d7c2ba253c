/**
 * Enough of a TypeScript tokenizer to tell code from comments and literals.
 *
 * The compiler is a native program without an API for scripts, and the rules need only this much:
 * `code` has the length and the line ends of the source, with comments and the insides of strings,
 * templates and regular expressions blanked, so that an offset in one is an offset in the other.
 */
export interface Comment {
  readonly start: number;
  readonly end: number;
  /** Starts with two stars: documentation. */
  readonly isDoc: boolean;
}

export interface Masked {
  readonly code: string;
  readonly comments: readonly Comment[];
}

const beforeRegExp =
  /(?:^|[(,=:[!&|?{;+\-*%<>~^]|\b(?:return|typeof|case|in|of|do|else|void|delete|throw|await|yield))\s*$/;

class Masker {
  readonly #text: string;
  readonly #out: string[];
  readonly #comments: Comment[] = [];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#out = text.split('');
  }

  run(): Masked {
    this.#code(false);
    return { code: this.#out.join(''), comments: this.#comments };
  }

  /** Reads code up to the end, or up to the brace that closes a template's hole. */
  #code(inHole: boolean): void {
    let depth = 0;
    while (this.#at < this.#text.length) {
      const char = this.#text.charAt(this.#at);
      if (char === '/' && this.#slash()) continue;
      if (char === '"' || char === "'") {
        this.#string(char);
        continue;
      }
      if (char === '`') {
        this.#template();
        continue;
      }
      if (char === '{') depth += 1;
      if (char === '}') {
        if (inHole && depth === 0) return;
        depth -= 1;
      }
      this.#at += 1;
    }
  }

  /** A comment or a regular expression; false if the slash divides. */
  #slash(): boolean {
    const next = this.#text.charAt(this.#at + 1);
    const start = this.#at;
    if (next === '/' || next === '*') {
      const close = this.#text.indexOf(next === '/' ? '\n' : '*/', start + 2);
      const end = close === -1 ? this.#text.length : next === '/' ? close : close + 2;
      const isDoc = this.#text.startsWith('/**', start) && end - start > 4;
      this.#comments.push({ start, end, isDoc });
      this.#blank(start, end);
      this.#at = end;
      return true;
    }
    const before = this.#out.slice(Math.max(0, start - 60), start).join('');
    const isLiteral = beforeRegExp.test(before);
    const body = /^\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\//.exec(
      this.#text.slice(start, start + 2_000),
    );
    if (!isLiteral || body === null) return false;
    this.#blank(start + 1, start + body[0].length - 1);
    this.#at = start + body[0].length;
    return true;
  }

  #string(quote: string): void {
    const start = this.#at;
    let at = start + 1;
    while (at < this.#text.length && this.#text.charAt(at) !== quote) {
      if (this.#text.charAt(at) === '\n') break; // Not closed: prose in JSX, say. Start anew.
      at += this.#text.charAt(at) === '\\' ? 2 : 1;
    }
    this.#blank(start + 1, at);
    this.#at = at + 1;
  }

  #template(): void {
    this.#at += 1;
    while (this.#at < this.#text.length) {
      const char = this.#text.charAt(this.#at);
      if (char === '`') {
        this.#at += 1;
        return;
      }
      if (char === '$' && this.#text.charAt(this.#at + 1) === '{') {
        this.#at += 2;
        this.#code(true);
        this.#at += 1;
        continue;
      }
      const step = char === '\\' ? 2 : 1;
      this.#blank(this.#at, this.#at + step);
      this.#at += step;
    }
  }

  #blank(start: number, end: number): void {
    for (let at = start; at < Math.min(end, this.#out.length); at += 1) {
      if (this.#out[at] !== '\n') this.#out[at] = ' ';
    }
  }
}

/** Blanks what is not code. Linear in the text. */
export function mask(text: string): Masked {
  return new Masker(text).run();
}
