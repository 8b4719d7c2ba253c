const lineCharsMax = 65_536;

/**
 * Cuts text that comes in pieces into lines, without their `\n` or `\r\n`. A line longer than 65,536
 * characters is cut there and the rest of it dropped, so that a child that never ends its line
 * cannot fill the memory of its parent.
 */
export class LineReader {
  readonly #onLine: (line: string) => void;
  #rest = '';
  #truncatedCount = 0;
  #skipping = false;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  /** How many lines were cut. */
  get truncatedCount(): number {
    return this.#truncatedCount;
  }

  push(text: string): void {
    let from = 0;
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', from)) {
      this.#append(text.slice(from, at));
      this.end();
      from = at + 1;
    }
    this.#append(text.slice(from));
  }

  /** The stream is over: what is left is a line too. */
  end(): void {
    const line = this.#rest;
    this.#rest = '';
    if (this.#skipping || line !== '') this.#onLine(line.endsWith('\r') ? line.slice(0, -1) : line);
    this.#skipping = false;
  }

  #append(piece: string): void {
    if (this.#skipping) return;
    this.#rest += piece;
    if (this.#rest.length <= lineCharsMax) return;
    this.#rest = this.#rest.slice(0, lineCharsMax);
    this.#skipping = true;
    this.#truncatedCount += 1;
  }
}
